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
//! Behind the effect stands what an instruction takes for granted of its registers and free variables, or leaves in them,
//! where that is not simply a value: see [`Holds`]. The checker proves it on every path, the check of graphs proves it of
//! suspended frames, and builds with debug assertions look again at every instruction.

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

/// Calls the given macro with the whole instruction table.
#[macro_export]
macro_rules! for_each_op {
    ($mac:ident) => {
        $mac! {
            // Registers and constants.
            0x01 Move        { a: Out, b: In }                      "R[a] := R[b]";
            0x02 LoadNil     { a: Out }                             "R[a] := nil";
            0x03 LoadBool    { a: Out, x: Flag }                    "R[a] := x = 1";
            0x04 LoadInt     { a: Out, x: Imm }                     "R[a] := x";
            0x05 LoadConst   { a: Out, x: Const }                   "R[a] := K[x]";
            0x06 GetNative   { a: Out, x: Native }                  "R[a] := what the host provides under the name K[x]";
            0x07 GetFree     { a: Out, x: FreeValue }               "R[a] := F[x]";
            0x08 GetFreeCell { a: Out, x: FreeCell }                "R[a] := content of F[x]; uninitialised throws" [x: Cell];
            0x09 SetFreeCell { a: In, x: FreeCell }                 "content of F[x] := R[a]; uninitialised throws" [x: Var];
            0x0a NewCell     { a: Out, x: Flag }                    "R[a] := new uninitialised cell; x = 1: of a var" [a: Cell];
            0x0b InitCell    { a: In, b: In }                       "content of cell R[a] := R[b]" [a: Cell];
            0x0c GetCell     { a: Out, b: In }                      "R[a] := content of cell R[b]; uninitialised throws" [b: Cell];
            0x0d SetCell     { a: In, b: In }                       "content of cell R[a] := R[b]; uninitialised throws" [a: Var];
            0x0e GetSelf     { a: Out }                             "R[a] := the running function";
            0x0f GetOwner    { a: Out }                             "R[a] := the type whose method or constructor runs";
            0x10 MakeClosure { a: Out, x: ClosureSite }             "R[a] := closure of C[x]";
            0x11 MakeType    { a: Out, x: TypeSite }                "R[a] := type of T[x]";
            0x12 MakeInstance { a: Out, b: Many, c: Count }         "R[a] := instance of the owner with fields R[b..c]";

            // Operators. A special method of an instance is called where the operands have one.
            0x18 Add         { a: Out, b: In, c: In }               "R[a] := R[b] + R[c]";
            0x19 Sub         { a: Out, b: In, c: In }               "R[a] := R[b] - R[c]";
            0x1a Mul         { a: Out, b: In, c: In }               "R[a] := R[b] * R[c]";
            0x1b Div         { a: Out, b: In, c: In }               "R[a] := R[b] / R[c]";
            0x1c FloorDiv    { a: Out, b: In, c: In }               "R[a] := R[b] // R[c]";
            0x1d Mod         { a: Out, b: In, c: In }               "R[a] := R[b] % R[c]";
            0x1e Pow         { a: Out, b: In, c: In }               "R[a] := R[b] ** R[c]";
            0x1f BitAnd      { a: Out, b: In, c: In }               "R[a] := R[b] & R[c]";
            0x20 BitOr       { a: Out, b: In, c: In }               "R[a] := R[b] | R[c]";
            0x21 BitXor      { a: Out, b: In, c: In }               "R[a] := R[b] ^ R[c]";
            0x22 Shl         { a: Out, b: In, c: In }               "R[a] := R[b] << R[c]";
            0x23 Shr         { a: Out, b: In, c: In }               "R[a] := R[b] >> R[c]";
            0x24 Neg         { a: Out, b: In }                      "R[a] := -R[b]";
            0x25 BitNot      { a: Out, b: In }                      "R[a] := ~R[b]";
            0x26 Not         { a: Out, b: In }                      "R[a] := not R[b]";
            0x27 Eq          { a: Out, b: In, c: In }               "R[a] := R[b] == R[c]";
            0x28 Ne          { a: Out, b: In, c: In }               "R[a] := R[b] != R[c]";
            0x29 Lt          { a: Out, b: In, c: In }               "R[a] := R[b] < R[c]";
            0x2a Le          { a: Out, b: In, c: In }               "R[a] := R[b] <= R[c]";
            0x2b Gt          { a: Out, b: In, c: In }               "R[a] := R[b] > R[c]";
            0x2c Ge          { a: Out, b: In, c: In }               "R[a] := R[b] >= R[c]";
            0x2d In          { a: Out, b: In, c: In }               "R[a] := R[b] in R[c]";
            0x2e NotIn       { a: Out, b: In, c: In }               "R[a] := R[b] not in R[c]";
            0x2f Is          { a: Out, b: In, c: In }               "R[a] := R[b] is R[c]; R[c] must be a type";
            0x30 MakeRange   { a: Out, b: In, c: In, d: Flag }      "R[a] := R[b]..R[c]; d = 1: end included";
            0x31 ToStr       { a: Out, b: In }                      "R[a] := str(R[b])";
            0x32 Concat      { a: Out, b: Many, c: Count }          "R[a] := the strings R[b..c] joined";

            // Jumps. Only the Loop family goes back, so that a safepoint stands on every cycle.
            0x38 Jump        { x: Forward }                         "pc := x";
            0x39 JumpIf      { a: In, x: Forward }                  "if R[a] is true: pc := x";
            0x3a JumpIfNot   { a: In, x: Forward }                  "if R[a] is false: pc := x";
            0x3b JumpNil     { a: In, x: Forward }                  "if R[a] is nil: pc := x";
            0x3c JumpNotNil  { a: In, x: Forward }                  "if R[a] is not nil: pc := x";
            0x3d JumpAbsent  { a: In, x: Forward }                  "if R[a] is absent: pc := x" [a: Perhaps];
            0x3e JumpPresent { a: In, x: Forward }                  "if R[a] is not absent: pc := x" [a: Perhaps];
            0x3f Loop        { x: Back }                            "safepoint; pc := x";
            0x40 LoopIf      { a: In, x: Back }                     "if R[a] is true: safepoint; pc := x";
            0x41 LoopIfNot   { a: In, x: Back }                     "if R[a] is false: safepoint; pc := x";
            0x42 LoopPresent { a: In, x: Back }                     "if R[a] is not absent: safepoint; pc := x" [a: Perhaps];

            // Calls. The callee's registers begin inside the window, so nothing is copied.
            0x48 Call            { a: Out, b: Window, d: Count }            "R[a] := R[b](R[b+1..d])";
            0x49 CallList        { a: Out, b: WindowList }                  "R[a] := R[b](..R[b+1])";
            0x4a CallMethod      { a: Out, b: Window, c: Name, d: Count }   "R[a] := R[b].K[c](R[b+1..d])";
            0x4b CallMethodList  { a: Out, b: WindowList, c: Name }         "R[a] := R[b].K[c](..R[b+1])";
            0x4c TailCall        { b: Window, d: Count }                    "return R[b](R[b+1..d])";
            0x4d TailCallList    { b: WindowList }                          "return R[b](..R[b+1])";
            0x4e TailMethod      { b: Window, c: Name, d: Count }           "return R[b].K[c](R[b+1..d])";
            0x4f TailMethodList  { b: WindowList, c: Name }                 "return R[b].K[c](..R[b+1])";
            0x50 Return          { a: In }                                  "return R[a]";
            0x51 Yield           { a: Out, b: In }                          "yield R[b]; R[a] := what resume passes";
            0x52 Throw           { a: In }                                  "throw R[a]";
            0x53 MatchFail       { a: In }                                  "throw match_error about R[a]";

            // Containers.
            0x58 MakeTuple   { a: Out, b: Many, c: Count }          "R[a] := tuple of R[b..c]";
            0x59 MakeList    { a: Out, b: Many, c: Count }          "R[a] := list of R[b..c]";
            0x5a MakeMap     { a: Out, b: Pairs, c: Count }         "R[a] := map of the c pairs from R[b] on";
            0x5b ListPush    { a: InOut, b: In }                    "append R[b] to list R[a]";
            0x5c MapPut      { a: InOut, b: In, c: In }             "R[a][R[b]] := R[c] in the new map R[a]";
            0x5d MapMerge    { a: InOut, b: In }                    "put every entry of map R[b] into map R[a]";
            0x5e GetIndex    { a: Out, b: In, c: In }               "R[a] := R[b][R[c]]";
            0x5f SetIndex    { a: In, b: In, c: In }                "R[a][R[b]] := R[c]";
            0x60 GetField    { a: Out, b: In, c: Name }             "R[a] := R[b].K[c]";
            0x61 SetField    { a: In, b: In, c: Name }              "R[a].K[c] := R[b]";
            0x62 GetFieldSafe { a: Out, b: In, c: Name }            "R[a] := R[b]?.K[c]";
            0x63 Slice       { a: Out, b: In, c: Two, d: Flag }     "R[a] := R[b][R[c]..R[c+1]]; nil: open; d = 1: end included";

            // Iteration.
            0x68 Iter        { a: IterOut, b: In }                  "R[a..3] := iterator over R[b]" [a: Iterator];
            0x69 IterRange   { a: IterOut, b: In, c: In, d: Flag }  "R[a..3] := iterator over R[b]..R[c]; d = 1: end included" [a: Iterator];
            0x6a Next        { a: Out, b: Iter }                    "R[a] := next element of iterator R[b..3], or absent" [a: Perhaps, b: Iterator];

            // Patterns. Each tests the shape only; elements are then read by the instructions above.
            0x70 IsTuple     { a: Out, b: In, c: Count }            "R[a] := R[b] is a tuple of c elements";
            0x71 IsList      { a: Out, b: In, c: Count, d: Flag }   "R[a] := R[b] is a list of c elements; d = 1: at least c";
            0x72 IsMap       { a: Out, b: In }                      "R[a] := R[b] is a map";
            0x73 TryKey      { a: Out, b: In, c: In }               "R[a] := R[b][R[c]] of map R[b], or absent" [a: Perhaps];
            0x74 IsInstance  { a: Out, b: In, c: In, d: Count }     "R[a] := R[b] is R[c]; throws unless R[c] is a declared type with d fields";
            0x75 GetSlot     { a: Out, b: In, c: Count }            "R[a] := field number c of instance R[b]";
        }
    };
}

macro_rules! define_ops {
    ($(
        $number:literal $name:ident { $($field:ident : $role:ident),* } $effect:literal $([$($held:ident : $holds:ident),*])?;
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
    /// What the register or free variable that an operand names holds.
    pub fn holds(self, field: Field) -> Holds {
        let operand = self.held_operands().iter().find(|&&(other, ..)| other == field);
        operand.map_or(Holds::Value, |&(_, _, holds)| holds)
    }
}

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
        match field {
            Field::A => self.a() as u32,
            Field::B => self.b() as u32,
            Field::C => self.c() as u32,
            Field::D => self.d() as u32,
            Field::X => self.x(),
        }
    }

    /// The same word with another value in a field. Bits that do not fit the field are dropped.
    pub const fn with_field(self, field: Field, value: u32) -> Word {
        let (shift, mask): (u32, u64) = match field {
            Field::A => (16, 0xffff),
            Field::B => (32, 0xffff),
            Field::C => (48, 0xffff),
            Field::D => (8, 0xff),
            Field::X => (32, 0xffff_ffff),
        };
        Word(self.0 & !(mask << shift) | (value as u64 & mask) << shift)
    }

    /// The same word with another wide operand, as when a jump learns its target.
    pub const fn with_x(self, x: u32) -> Word {
        Word(self.0 & 0xffff_ffff | (x as u64) << 32)
    }
}
