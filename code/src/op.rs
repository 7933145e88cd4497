//! The instruction table: every instruction once, with its number, operands and effect.
//!
//! An instruction is one 64-bit word:
//!
//! ```text
//!   63      48 47      32 31      16 15     8 7      0
//!  +----------+----------+----------+--------+--------+
//!  |    c     |    b     |    a     |   d    |   op   |
//!  +----------+----------+----------+--------+--------+
//!  |       x  (32 bits)  |    a     |   d    |   op   |
//!  +---------------------+----------+--------+--------+
//! ```
//!
//! Notation of the effects: `R[i]` a register of the frame, `R[i..n]` the `n` registers from `i` on, `K[i]` a constant,
//! `F[i]` a free variable (a value, or a cell), `C[i]` a closure site, `T[i]` a type site, `pc` the index of an
//! instruction in its code object. `absent` is the internal marker for "no argument", "no more elements", "no such key".
//! Numbers are part of the code object's bytes: they are never changed or reused.
//!
//! Behind the effect stands what instructions have in common, so that nobody else keeps a list of them: first where control
//! goes ([`Flow`]), which every row says, then whatever is so:
//!
//! | column | meaning |
//! | --- | --- |
//! | `calls K` | It may call a function of the program, and this becomes of what that gives ([`Outcome`]). |
//! | `resumes` | It may wait for a fiber that it has resumed. |
//! | `owner` | It needs a type that the running function belongs to. |
//! | `sure P` | It tests whether `R[a]` is `absent`, and it is not in this place ([`Sure`]). |
//! | `sees` | Handlers that lead here see the ends of fibers, too, which give `absent`; others only what is thrown. |
//! | `since E` | The first edition that has it, where that is not the first of all. |
//!
//! Then, behind a semicolon, what it takes for granted of its registers and free variables, or leaves in them, where that
//! is not simply a value: see [`Holds`]. The checker proves it on every path, the check of graphs proves it of suspended
//! frames, and builds with debug assertions look again at every instruction.
//!
//! What operands say already has no column: see [`effects`](crate::effects).

/// What an operand field is to its instruction; the checker, the liveness pass and the listing all work from this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Not used; must be zero.
    None,
    /// A register that is written.
    Out,
    /// A register that is read.
    In,
    /// A register that is read when it is a map or list under construction and stays as it is.
    InOut,
    /// First of the registers of a call: the callee or receiver, then `d` arguments. All are read, all are lost.
    Window,
    /// First of two registers: the callee or receiver, then the list of arguments. Both are read, both are lost.
    WindowList,
    /// First of `c` registers that are read.
    Many,
    /// First of `2 * c` registers that are read: keys and values in turn.
    Pairs,
    /// First of two registers that are read.
    Two,
    /// First of the three registers of an iterator, which are written.
    IterOut,
    /// First of the three registers of an iterator, which are read and written.
    Iter,
    /// Any constant.
    Const,
    /// A string constant: a field, key or method name.
    Name,
    /// A string constant: the name of something the host provides.
    Native,
    /// A free variable that is a value.
    FreeValue,
    /// A free variable that is a cell.
    FreeCell,
    /// A closure site.
    ClosureSite,
    /// A type site.
    TypeSite,
    /// An instruction further on.
    Forward,
    /// An instruction further back, or this one.
    Back,
    /// A signed number.
    Imm,
    /// A count.
    Count,
    /// 0 or 1.
    Flag,
}

/// What a register or free variable holds.
///
/// A handler may rely on this and on nothing more: whatever else it wants to know of a value, such as its type, it looks
/// at the tag for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// A value that a variable of a program can have.
    Value,
    /// A value or `absent`.
    Perhaps,
    /// A cell.
    Cell,
    /// A cell of a `var`: one that may be written again. Others are written once, so that hashes of what they reach can
    /// be kept.
    Var,
    /// With the two registers behind it, an iterator, which only the instructions of iteration read.
    Iterator,
}

/// Where control goes when an instruction has not thrown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It may go on to the next instruction.
    On,
    /// It ends here, or goes on elsewhere.
    Ends,
    /// The same; the function that is called gets the frame.
    Tail,
}

/// What becomes of the result of a function that an instruction has called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is the result of the instruction.
    Plain,
    /// It is dropped.
    Discard,
    /// Its truth is the result.
    Truth,
    /// The opposite of its truth.
    Untruth,
    /// Whether the int that it is is below 0.
    Less,
    /// At most 0.
    LessEqual,
    /// Above 0.
    Greater,
    /// At least 0.
    GreaterEqual,
    /// It is the result, and must be a string.
    Text,
    /// It is the next element; nil is none.
    Element,
    /// It is iterated over.
    Iterator,
    /// It is the result; so is nil where the function throws a `key_error`.
    Lookup,
}

/// Where a register that was tested is known not to be `absent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sure {
    /// At the next instruction.
    Behind,
    /// Where the instruction jumps to.
    There,
}

/// The columns of a row that are neither operands nor what they hold.
#[derive(Clone, Copy)]
struct Traits {
    flow: Flow,
    outcome: Option<Outcome>,
    resumes: bool,
    needs_owner: bool,
    sure: Option<Sure>,
    sees_ends: bool,
    edition: u32,
}

/// The edition of `??=` on keys and of `defer`.
const SECOND: u32 = 2;

impl Traits {
    const fn new(flow: Flow) -> Traits {
        Traits { flow, outcome: None, resumes: false, needs_owner: false, sure: None, sees_ends: false, edition: 1 }
    }

    const fn calls(self, outcome: Outcome) -> Traits {
        Traits { outcome: Some(outcome), ..self }
    }

    const fn resumes(self) -> Traits {
        Traits { resumes: true, ..self }
    }

    const fn owner(self) -> Traits {
        Traits { needs_owner: true, ..self }
    }

    const fn sure(self, place: Sure) -> Traits {
        Traits { sure: Some(place), ..self }
    }

    const fn sees(self) -> Traits {
        Traits { sees_ends: true, ..self }
    }

    const fn since(self, edition: u32) -> Traits {
        Traits { edition, ..self }
    }
}

/// A field of the instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Field {
    A,
    B,
    C,
    D,
    X,
}

impl Field {
    /// Its lowest bit in the word.
    pub const fn shift(self) -> u32 {
        match self {
            Field::D => 8,
            Field::A => 16,
            Field::B | Field::X => 32,
            Field::C => 48,
        }
    }

    /// The bits of the word that it takes.
    pub const fn bits(self) -> u64 {
        let mask: u64 = match self {
            Field::D => 0xff,
            Field::A | Field::B | Field::C => 0xffff,
            Field::X => 0xffff_ffff,
        };
        mask << self.shift()
    }
}

/// Calls the given macro with the whole instruction table.
#[macro_export]
macro_rules! for_each_op {
    ($mac:ident) => {
        $mac! {
            // Registers and constants.
            0x01 Move        { a: Out, b: In }                      "R[a] := R[b]" [On];
            0x02 LoadNil     { a: Out }                             "R[a] := nil" [On];
            0x03 LoadBool    { a: Out, x: Flag }                    "R[a] := x = 1" [On];
            0x04 LoadInt     { a: Out, x: Imm }                     "R[a] := x" [On];
            0x05 LoadConst   { a: Out, x: Const }                   "R[a] := K[x]" [On];
            0x06 GetNative   { a: Out, x: Native }                  "R[a] := what the host provides under the name K[x]" [On];
            0x07 GetFree     { a: Out, x: FreeValue }               "R[a] := F[x]" [On];
            0x08 GetFreeCell { a: Out, x: FreeCell }                "R[a] := content of F[x]; uninitialised throws" [On; x: Cell];
            0x09 SetFreeCell { a: In, x: FreeCell }                 "content of F[x] := R[a]; uninitialised throws" [On; x: Var];
            0x0a NewCell     { a: Out, x: Flag }                    "R[a] := new uninitialised cell; x = 1: of a var" [On; a: Cell];
            0x0b InitCell    { a: In, b: In }                       "content of cell R[a] := R[b]" [On; a: Cell];
            0x0c GetCell     { a: Out, b: In }                      "R[a] := content of cell R[b]; uninitialised throws" [On; b: Cell];
            0x0d SetCell     { a: In, b: In }                       "content of cell R[a] := R[b]; uninitialised throws" [On; a: Var];
            0x0e GetSelf     { a: Out }                             "R[a] := the running function" [On];
            0x0f GetOwner    { a: Out }                             "R[a] := the type whose method or constructor runs" [On, owner];
            0x10 MakeClosure { a: Out, x: ClosureSite }             "R[a] := closure of C[x]" [On];
            0x11 MakeType    { a: Out, x: TypeSite }                "R[a] := type of T[x]" [On];
            0x12 MakeInstance { a: Out, b: Many, c: Count }         "R[a] := instance of the owner with fields R[b..c]" [On, owner];

            // Operators. A special method of an instance is called where the operands have one.
            0x18 Add         { a: Out, b: In, c: In }               "R[a] := R[b] + R[c]" [On, calls Plain];
            0x19 Sub         { a: Out, b: In, c: In }               "R[a] := R[b] - R[c]" [On, calls Plain];
            0x1a Mul         { a: Out, b: In, c: In }               "R[a] := R[b] * R[c]" [On, calls Plain];
            0x1b Div         { a: Out, b: In, c: In }               "R[a] := R[b] / R[c]" [On, calls Plain];
            0x1c FloorDiv    { a: Out, b: In, c: In }               "R[a] := R[b] // R[c]" [On, calls Plain];
            0x1d Mod         { a: Out, b: In, c: In }               "R[a] := R[b] % R[c]" [On, calls Plain];
            0x1e Pow         { a: Out, b: In, c: In }               "R[a] := R[b] ** R[c]" [On, calls Plain];
            0x1f BitAnd      { a: Out, b: In, c: In }               "R[a] := R[b] & R[c]" [On];
            0x20 BitOr       { a: Out, b: In, c: In }               "R[a] := R[b] | R[c]" [On];
            0x21 BitXor      { a: Out, b: In, c: In }               "R[a] := R[b] ^ R[c]" [On];
            0x22 Shl         { a: Out, b: In, c: In }               "R[a] := R[b] << R[c]" [On];
            0x23 Shr         { a: Out, b: In, c: In }               "R[a] := R[b] >> R[c]" [On];
            0x24 Neg         { a: Out, b: In }                      "R[a] := -R[b]" [On, calls Plain];
            0x25 BitNot      { a: Out, b: In }                      "R[a] := ~R[b]" [On];
            0x26 Not         { a: Out, b: In }                      "R[a] := not R[b]" [On];
            0x27 Eq          { a: Out, b: In, c: In }               "R[a] := R[b] == R[c]" [On, calls Truth];
            0x28 Ne          { a: Out, b: In, c: In }               "R[a] := R[b] != R[c]" [On, calls Untruth];
            0x29 Lt          { a: Out, b: In, c: In }               "R[a] := R[b] < R[c]" [On, calls Less];
            0x2a Le          { a: Out, b: In, c: In }               "R[a] := R[b] <= R[c]" [On, calls LessEqual];
            0x2b Gt          { a: Out, b: In, c: In }               "R[a] := R[b] > R[c]" [On, calls Greater];
            0x2c Ge          { a: Out, b: In, c: In }               "R[a] := R[b] >= R[c]" [On, calls GreaterEqual];
            0x2d In          { a: Out, b: In, c: In }               "R[a] := R[b] in R[c]" [On, calls Truth];
            0x2e NotIn       { a: Out, b: In, c: In }               "R[a] := R[b] not in R[c]" [On, calls Untruth];
            0x2f Is          { a: Out, b: In, c: In }               "R[a] := R[b] is R[c]; R[c] must be a type" [On];
            0x30 MakeRange   { a: Out, b: In, c: In, d: Flag }      "R[a] := R[b]..R[c]; d = 1: end included" [On];
            0x31 ToStr       { a: Out, b: In }                      "R[a] := str(R[b])" [On, calls Text];
            0x32 Concat      { a: Out, b: Many, c: Count }          "R[a] := the strings R[b..c] joined" [On];

            // Jumps. Only the Loop family goes back, so that a safepoint stands on every cycle.
            0x38 Jump        { x: Forward }                         "pc := x" [Ends];
            0x39 JumpIf      { a: In, x: Forward }                  "if R[a] is true: pc := x" [On];
            0x3a JumpIfNot   { a: In, x: Forward }                  "if R[a] is false: pc := x" [On];
            0x3b JumpNil     { a: In, x: Forward }                  "if R[a] is nil: pc := x" [On];
            0x3c JumpNotNil  { a: In, x: Forward }                  "if R[a] is not nil: pc := x" [On];
            0x3d JumpAbsent  { a: In, x: Forward }                  "if R[a] is absent: pc := x" [On, sure Behind; a: Perhaps];
            0x3e JumpPresent { a: In, x: Forward }                  "if R[a] is not absent: pc := x" [On, sure There; a: Perhaps];
            0x3f Loop        { x: Back }                            "safepoint; pc := x" [Ends];
            0x40 LoopIf      { a: In, x: Back }                     "if R[a] is true: safepoint; pc := x" [On];
            0x41 LoopIfNot   { a: In, x: Back }                     "if R[a] is false: safepoint; pc := x" [On];
            0x42 LoopPresent { a: In, x: Back }                     "if R[a] is not absent: safepoint; pc := x" [On, sure There; a: Perhaps];

            // Calls. The callee's registers begin inside the window, so nothing is copied.
            0x48 Call            { a: Out, b: Window, d: Count }            "R[a] := R[b](R[b+1..d])" [On, calls Plain, resumes];
            0x49 CallList        { a: Out, b: WindowList }                  "R[a] := R[b](..R[b+1])" [On, calls Plain, resumes];
            0x4a CallMethod      { a: Out, b: Window, c: Name, d: Count }   "R[a] := R[b].K[c](R[b+1..d])" [On, calls Plain, resumes];
            0x4b CallMethodList  { a: Out, b: WindowList, c: Name }         "R[a] := R[b].K[c](..R[b+1])" [On, calls Plain, resumes];
            0x4c TailCall        { b: Window, d: Count }                    "return R[b](R[b+1..d])" [Tail];
            0x4d TailCallList    { b: WindowList }                          "return R[b](..R[b+1])" [Tail];
            0x4e TailMethod      { b: Window, c: Name, d: Count }           "return R[b].K[c](R[b+1..d])" [Tail];
            0x4f TailMethodList  { b: WindowList, c: Name }                 "return R[b].K[c](..R[b+1])" [Tail];
            0x50 Return          { a: In }                                  "return R[a]" [Ends];
            0x51 Yield           { a: Out, b: In }                          "yield R[b]; R[a] := what resume passes" [On];
            0x52 Throw           { a: In }                                  "throw R[a]" [Ends];
            0x53 MatchFail       { a: In }                                  "throw match_error about R[a]" [Ends];
            0x54 Unwound         { a: Out }                                 "R[a] := 1" [On, sees, since SECOND];
            0x55 Rethrow         { a: In, b: In }                           "throw R[a] on, which came while R[b] was thrown; absent: the fiber ends" [Ends, sees, since SECOND; a: Perhaps, b: Perhaps];

            // Containers.
            0x58 MakeTuple   { a: Out, b: Many, c: Count }          "R[a] := tuple of R[b..c]" [On];
            0x59 MakeList    { a: Out, b: Many, c: Count }          "R[a] := list of R[b..c]" [On];
            0x5a MakeMap     { a: Out, b: Pairs, c: Count }         "R[a] := map of the c pairs from R[b] on" [On];
            0x5b ListPush    { a: InOut, b: In }                    "append R[b] to list R[a]" [On];
            0x5c MapPut      { a: InOut, b: In, c: In }             "R[a][R[b]] := R[c] in the new map R[a]" [On];
            0x5d MapMerge    { a: InOut, b: In }                    "put every entry of map R[b] into map R[a]" [On];
            0x5e GetIndex    { a: Out, b: In, c: In }               "R[a] := R[b][R[c]]" [On, calls Plain];
            0x5f SetIndex    { a: In, b: In, c: In }                "R[a][R[b]] := R[c]" [On, calls Discard];
            0x60 GetField    { a: Out, b: In, c: Name }             "R[a] := R[b].K[c]" [On];
            0x61 SetField    { a: In, b: In, c: Name }              "R[a].K[c] := R[b]" [On];
            0x62 GetFieldSafe { a: Out, b: In, c: Name }            "R[a] := R[b]?.K[c]" [On];
            0x63 Slice       { a: Out, b: In, c: Two, d: Flag }     "R[a] := R[b][R[c]..R[c+1]]; nil: open; d = 1: end included" [On];
            0x64 GetIndexOrNil { a: Out, b: In, c: In }             "R[a] := R[b][R[c]]; nil if that key is missing" [On, calls Lookup, since SECOND];
            0x65 GetFieldOrNil { a: Out, b: In, c: Name }           "R[a] := R[b].K[c]; nil if map R[b] lacks that key" [On, since SECOND];

            // Iteration.
            0x68 Iter        { a: IterOut, b: In }                  "R[a..3] := iterator over R[b]" [On, calls Iterator; a: Iterator];
            0x69 IterRange   { a: IterOut, b: In, c: In, d: Flag }  "R[a..3] := iterator over R[b]..R[c]; d = 1: end included" [On; a: Iterator];
            0x6a Next        { a: Out, b: Iter }                    "R[a] := next element of iterator R[b..3], or absent" [On, calls Element, resumes; a: Perhaps, b: Iterator];

            // Patterns. Each tests the shape only; elements are then read by the instructions above.
            0x70 IsTuple     { a: Out, b: In, c: Count }            "R[a] := R[b] is a tuple of c elements" [On];
            0x71 IsList      { a: Out, b: In, c: Count, d: Flag }   "R[a] := R[b] is a list of c elements; d = 1: at least c" [On];
            0x72 IsMap       { a: Out, b: In }                      "R[a] := R[b] is a map" [On];
            0x73 TryKey      { a: Out, b: In, c: In }               "R[a] := R[b][R[c]] of map R[b], or absent" [On; a: Perhaps];
            0x74 IsInstance  { a: Out, b: In, c: In, d: Count }     "R[a] := R[b] is R[c]; throws unless R[c] is a declared type with d fields" [On];
            0x75 GetSlot     { a: Out, b: In, c: Count }            "R[a] := field number c of instance R[b]" [On];
        }
    };
}

macro_rules! define_ops {
    ($(
        $number:literal $name:ident { $($field:ident : $role:ident),* } $effect:literal
            [$flow:ident $(, $column:ident $($of:ident)?)* $(; $($held:ident : $holds:ident),*)?];
    )*) => {
        /// An instruction's number.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Op {
            $(#[doc = concat!("`", $effect, "`")] $name = $number,)*
        }

        impl Op {
            /// Every instruction, in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$name),*];

            /// The instruction with this number.
            pub const fn from_u8(number: u8) -> Option<Op> {
                match number {
                    $($number => Some(Op::$name),)*
                    _ => None,
                }
            }

            /// The name that listings show.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Op::$name => stringify!($name),)*
                }
            }

            /// What it does, in the notation of this module.
            pub const fn effect(self) -> &'static str {
                match self {
                    $(Op::$name => $effect,)*
                }
            }

            const fn traits(self) -> Traits {
                #[allow(unused_imports)]
                use {Outcome::*, Sure::*};
                match self {
                    $(Op::$name => const { Traits::new(Flow::$flow)$(.$column($($of)?))* },)*
                }
            }

            /// The operands it has, in the order of the table. Fields not named here must be zero.
            pub const fn operands(self) -> &'static [(Field, Role)] {
                match self {
                    $(Op::$name => &[$((define_ops!(@field $field), Role::$role)),*],)*
                }
            }

            /// The operands it has, each with what the register or free variable that it names holds: before the
            /// instruction where it reads it, afterwards where it writes it.
            pub const fn held_operands(self) -> &'static [(Field, Role, Holds)] {
                match self {
                    $(Op::$name => const {
                        const EXCEPTIONS: &[(Field, Holds)] = &[$($((define_ops!(@field $held), Holds::$holds)),*)?];
                        &[$({
                            let field = define_ops!(@field $field);
                            (field, Role::$role, held(EXCEPTIONS, field))
                        }),*]
                    },)*
                }
            }
        }
    };
    (@field a) => { Field::A };
    (@field b) => { Field::B };
    (@field c) => { Field::C };
    (@field d) => { Field::D };
    (@field x) => { Field::X };
}

for_each_op!(define_ops);

impl Op {
    /// Whether control may go on to the next instruction.
    pub const fn falls_through(self) -> bool {
        matches!(self.traits().flow, Flow::On)
    }

    /// Whether it gives its frame to the function it calls.
    pub const fn is_tail_call(self) -> bool {
        matches!(self.traits().flow, Flow::Tail)
    }

    /// What becomes of the result of a function that it has called; none if it calls none, or keeps no frame for it.
    pub const fn outcome(self) -> Option<Outcome> {
        self.traits().outcome
    }

    /// Whether it may wait for a fiber that it has resumed.
    pub const fn resumes(self) -> bool {
        self.traits().resumes
    }

    /// Whether it runs only in functions that belong to a type.
    pub const fn needs_owner(self) -> bool {
        self.traits().needs_owner
    }

    /// The first edition that has it.
    pub const fn edition(self) -> u32 {
        self.traits().edition
    }

    /// Where `R[a]`, which it tests, is known not to be `absent`.
    pub const fn sure(self) -> Option<Sure> {
        self.traits().sure
    }

    /// Whether handlers that lead here see the ends of fibers, too.
    pub const fn sees_ends(self) -> bool {
        self.traits().sees_ends
    }

    /// What the register or free variable that an operand names holds.
    pub fn holds(self, field: Field) -> Holds {
        let operand = self.held_operands().iter().find(|&&(other, ..)| other == field);
        operand.map_or(Holds::Value, |&(_, _, holds)| holds)
    }
}

/// Results go into register `a`: machines count on it where a result comes later.
const _: () = {
    let mut index = 0;
    while index < Op::ALL.len() {
        let operands = Op::ALL[index].operands();
        let mut at = 0;
        while at < operands.len() {
            let (field, role) = operands[at];
            assert!(!matches!(role, Role::Out | Role::IterOut) || matches!(field, Field::A));
            at += 1;
        }
        index += 1;
    }
};

/// What stands for a field among the exceptions of an instruction.
const fn held(exceptions: &[(Field, Holds)], field: Field) -> Holds {
    let mut index = 0;
    while index < exceptions.len() {
        if exceptions[index].0 as u8 == field as u8 {
            return exceptions[index].1;
        }
        index += 1;
    }
    Holds::Value
}

/// An instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// A word with three narrow operands.
    pub const fn abc(op: Op, a: u16, b: u16, c: u16) -> Word {
        Word::abcd(op, a, b, c, 0)
    }

    /// A word with all four narrow operands.
    pub const fn abcd(op: Op, a: u16, b: u16, c: u16, d: u8) -> Word {
        Word(op as u64 | (d as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// A word with a register and a wide operand.
    pub const fn ax(op: Op, a: u16, x: u32) -> Word {
        Word(op as u64 | (a as u64) << 16 | (x as u64) << 32)
    }

    /// The number of the instruction, which may be none of [`Op`] before the word is checked.
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }

    /// The instruction, if there is one with this number.
    pub const fn op(self) -> Option<Op> {
        Op::from_u8(self.op_byte())
    }

    /// Operand `a`.
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Operand `b`.
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Operand `c`.
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Operand `d`.
    pub const fn d(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Operand `x`.
    pub const fn x(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The value of a field.
    pub const fn field(self, field: Field) -> u32 {
        ((self.0 & field.bits()) >> field.shift()) as u32
    }

    /// The same word with another value in a field. Bits that do not fit the field are dropped.
    pub const fn with_field(self, field: Field, value: u32) -> Word {
        Word(self.0 & !field.bits() | (value as u64) << field.shift() & field.bits())
    }

    /// The same word with another wide operand, as when a jump learns its target.
    pub const fn with_x(self, x: u32) -> Word {
        Word(self.0 & 0xffff_ffff | (x as u64) << 32)
    }
}
