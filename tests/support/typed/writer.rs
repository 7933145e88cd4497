//! Writes the instructions of one function and keeps track of what its registers hold.

use quipu::code::effects::lost_from;
use quipu::code::{
    Body, CaptureSource, ClosureSite, Code, Constant, Field, FreeKind, Handler, Op, OwnDebug, Role, TypeSite, Word,
};

use super::state::{State, bit, bits};

/// What a value in a register is meant to be; it may be something else by then.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Hint {
    Nil,
    Bool,
    Int,
    Float,
    Str,
    Bytes,
    List,
    Map,
    Set,
    Tuple,
    Range,
    Type,
    Instance,
    Function,
    Native,
    Fiber,
    Error,
}

/// How many of the last registers are mostly left to calls, which lose what is in them.
const TOP: u16 = 5;

/// A function that is done and can be nested in later ones.
#[derive(Clone)]
pub struct Made {
    pub code: Code,
    /// Which of its free variables it writes, itself or through functions in it.
    pub writes: Vec<bool>,
}

/// A place that is jumped to before it is reached.
#[derive(Default)]
pub struct Label {
    from: Vec<usize>,
    state: Option<State>,
}

/// A function that is being written.
pub struct Writer<'n> {
    numbers: &'n mut dyn FnMut(u64) -> u64,
    pub body: Body,
    pub writes: Vec<bool>,
    /// What is known here; none where nothing leads to.
    pub state: Option<State>,
    /// What is known at every instruction so far of each range that is open.
    guards: Vec<State>,
    /// Registers that loops need, which are seldom written over.
    pub pinned: u64,
    /// Registers that the instruction about to be written reads.
    pub held: u64,
    pub hints: [Hint; 64],
    /// The functions that there are to nest.
    pub library: &'n [Made],
    /// Whether it belongs to a type.
    pub owned: bool,
}

impl<'n> Writer<'n> {
    pub fn new(numbers: &'n mut dyn FnMut(u64) -> u64, library: &'n [Made], body: Body, owned: bool) -> Writer<'n> {
        let mut state = State::NOTHING;
        for register in 0..body.params() {
            let first = body.required as u16;
            if (first..first + body.optional as u16).contains(&register) {
                state.put_maybe(register);
            } else {
                state.put_value(register);
            }
        }
        let writes = vec![false; body.free.len()];
        let hints = [Hint::Int; 64];
        let (guards, pinned, held) = (Vec::new(), 0, 0);
        Writer { numbers, body, writes, state: Some(state), guards, pinned, held, hints, library, owned }
    }

    /// A number below another one, which is not 0.
    pub fn number(&mut self, below: usize) -> usize {
        (self.numbers)(below.max(1) as u64) as usize
    }

    /// Something that happens so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.number(100) < percent
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.number(choices.len())]
    }

    pub fn pc(&self) -> u32 {
        self.body.words.len() as u32
    }

    /// What is known where something leads to.
    pub fn known(&self) -> State {
        self.state.unwrap_or(State::NOTHING)
    }

    pub fn is_guarded(&self) -> bool {
        !self.guards.is_empty()
    }

    /// Writes an instruction. Nothing is written where nothing leads to.
    pub fn emit(&mut self, word: Word) {
        let (Some(mut state), Some(op)) = (self.state, word.op()) else { return };
        self.body.words.push(word);
        let before = state;
        if let Some(first) = lost_from(word) {
            state.lose(first);
        }
        let lost = state;
        write(&mut state, word, op);
        for guard in &mut self.guards {
            *guard = guard.meet(before).meet(lost).meet(state);
        }
        self.state = op.falls_through().then_some(state);
    }

    pub fn ax(&mut self, op: Op, a: u16, x: u32) {
        self.emit(Word::ax(op, a, x));
    }

    pub fn abc(&mut self, op: Op, a: u16, b: u16, c: u16) {
        self.emit(Word::abc(op, a, b, c));
    }

    pub fn int(&mut self, register: u16, int: i32) {
        self.ax(Op::LoadInt, register, int as u32);
        self.hints[register as usize] = Hint::Int;
    }

    // Jumps.

    /// Writes a jump to a place further on.
    pub fn jump(&mut self, op: Op, register: u16, label: &mut Label) {
        let Some(mut there) = self.state else { return };
        label.from.push(self.body.words.len());
        self.ax(op, register, 0);
        match op {
            Op::JumpPresent => there.values |= bit(register),
            Op::JumpAbsent => self.refine(register),
            _ => {}
        }
        label.state = Some(label.state.map_or(there, |state| state.meet(there)));
    }

    /// A register that holds a value or absent holds a value.
    pub fn refine(&mut self, register: u16) {
        if let Some(state) = &mut self.state {
            state.values |= bit(register);
        }
    }

    /// The place of a label is here.
    pub fn bind(&mut self, label: Label) {
        let pc = self.pc();
        for &at in &label.from {
            self.body.words[at] = self.body.words[at].with_field(Field::X, pc);
        }
        self.state = match (self.state, label.state) {
            (Some(here), Some(there)) => Some(here.meet(there)),
            (here, there) => here.or(there),
        };
    }

    /// Writes what makes up for all that is no longer known and was known in an earlier state, as at the start of a loop.
    pub fn repair(&mut self, to: State) {
        for first in 0..self.body.registers.saturating_sub(2) {
            if to.iterators & !self.known().iterators & bit(first) != 0 {
                self.int(first, 0);
                self.int(first + 1, 2);
                self.abc(Op::IterRange, first, first, first + 1);
            }
        }
        for register in 0..self.body.registers {
            let (now, one) = (self.known(), bit(register));
            if to.vars & !now.vars & one != 0 {
                self.ax(Op::NewCell, register, 1);
            } else if to.cells & !now.cells & one != 0 {
                self.ax(Op::NewCell, register, 0);
            } else if (to.values & !now.values | to.maybe & !now.maybe | to.assigned & !now.assigned) & one != 0 {
                self.int(register, i32::from(register));
            }
        }
    }

    // Ranges whose errors are caught.

    /// Begins a range.
    pub fn begin_guard(&mut self) -> u32 {
        self.guards.push(State::ALL);
        self.pc()
    }

    /// Ends a range. What it catches goes into a register; gives what is known at the handler, which has to stand here or
    /// further on. None if there is no range.
    pub fn end_guard(&mut self, start: u32, register: u16) -> Option<(usize, State)> {
        let mut state = self.guards.pop()?;
        let end = self.pc();
        let is_there = self.body.handlers.iter().any(|handler| (handler.start, handler.end) == (start, end));
        if start == end || is_there {
            return None;
        }
        state.put_value(register);
        self.body.handlers.push(Handler { start, end, target: end, register });
        Some((self.body.handlers.len() - 1, state))
    }

    /// A handler stands here.
    pub fn begin_handler(&mut self, handler: usize, state: State) {
        self.body.handlers[handler].target = self.pc();
        self.state = Some(self.state.map_or(state, |here| here.meet(state)));
    }

    /// The same; some see the ends of fibers, and most of those go on with them.
    pub fn begin_any_handler(&mut self, handler: usize, mut state: State) {
        if self.chance(70) {
            return self.begin_handler(handler, state);
        }
        let register = self.body.handlers[handler].register;
        state.put_maybe(register);
        self.begin_handler(handler, state);
        if self.chance(10) && self.known().maybe & bit(register) != 0 {
            return self.abc(Op::Rethrow, register, register, 0);
        }
        self.held = bit(register);
        let out = self.out();
        self.abc(Op::Unwound, out, 0, 0);
        if self.known().maybe & bit(register) != 0 {
            self.go_on_unwinding(register);
        }
        self.held = 0;
    }

    /// Throws on what a handler found, always, sometimes or only if it is the end of the fiber.
    fn go_on_unwinding(&mut self, found: u16) {
        let other = if self.chance(50) { found } else { self.among(self.known().maybe).unwrap_or(found) };
        let (one, before) = if self.chance(50) { (found, other) } else { (other, found) };
        let rethrow = Word::abc(Op::Rethrow, one, before, 0);
        let mut over = Label::default();
        match self.number(4) {
            0 => {}
            1 => self.emit(rethrow),
            2 => {
                self.jump(Op::JumpPresent, found, &mut over);
                self.emit(rethrow);
                self.bind(over);
                self.refine(found);
            }
            _ => {
                let test = self.value();
                self.jump(Op::JumpIf, test, &mut over);
                self.emit(rethrow);
                self.bind(over);
            }
        }
    }

    // Operands.

    /// A register to write, seldom one that a loop needs.
    pub fn out(&mut self) -> u16 {
        let pinned = if self.chance(97) { self.pinned } else { 0 };
        let top = if self.chance(85) { self.top() } else { 0 };
        let avoided = self.held | pinned | top;
        for _ in 0..20 {
            let register = self.number(self.body.registers as usize) as u16;
            if avoided & bit(register) == 0 {
                return register;
            }
        }
        let free = self.among(!self.held & !self.pinned).or_else(|| self.among(!self.held));
        free.unwrap_or(0)
    }

    /// One of the registers of a set.
    pub fn among(&mut self, set: u64) -> Option<u16> {
        let set = set & (u64::MAX >> (64 - self.body.registers));
        let index = self.number(set.count_ones() as usize);
        (0..self.body.registers).filter(|&register| set & bit(register) != 0).nth(index)
    }

    /// Keeps a register from being written before the next instruction that reads.
    pub fn hold(&mut self, register: u16) -> u16 {
        self.held |= bit(register);
        register
    }

    /// A register with any value.
    pub fn value(&mut self) -> u16 {
        let register = match self.among(self.known().values) {
            Some(register) => register,
            None => {
                let register = self.out();
                self.int(register, 1);
                register
            }
        };
        self.hold(register)
    }

    /// A register with a value that is meant to be one of these, mostly.
    pub fn like(&mut self, hints: &[Hint]) -> u16 {
        if self.chance(15) {
            return self.value();
        }
        let fitting = (0..self.body.registers).filter(|&r| hints.contains(&self.hints[r as usize]));
        let fitting = fitting.fold(0, |set, register| set | bit(register)) & self.known().values;
        match self.among(fitting) {
            Some(register) if self.chance(85) => self.hold(register),
            _ => {
                let hint = self.one_of(hints);
                let calls = matches!(hint, Hint::Set | Hint::Error | Hint::Fiber | Hint::Instance);
                if calls && self.held & self.top() != 0 {
                    // A call would lose what has been chosen.
                    return self.value();
                }
                let register = self.produce(hint);
                self.hold(register)
            }
        }
    }

    /// The registers that most calls use.
    fn top(&self) -> u64 {
        bits(self.body.registers - TOP, TOP)
    }

    /// A register with a cell, of a `var` if that is wanted.
    pub fn cell(&mut self, var: bool) -> u16 {
        let set = if var { self.known().vars } else { self.known().cells };
        if let Some(register) = self.among(set)
            && self.chance(80)
        {
            return self.hold(register);
        }
        let register = self.out();
        let flag = u32::from(var || self.chance(50));
        self.ax(Op::NewCell, register, flag);
        self.hold(register);
        if self.chance(85) {
            let value = self.value();
            self.abc(Op::InitCell, register, value, 0);
        }
        register
    }

    /// The first of so many registers in a row that all have values.
    pub fn row(&mut self, count: u16) -> u16 {
        let most = self.body.registers - count;
        let fits = |first: u16, values: u64| bits(first, count) & !values == 0;
        for _ in 0..4 {
            let first = self.number(most as usize + 1) as u16;
            if fits(first, self.known().values) {
                self.held |= bits(first, count);
                return first;
            }
        }
        let mut first = most;
        for _ in 0..8 {
            let other = self.number(most as usize + 1) as u16;
            if bits(other, count) & (self.pinned | self.held) == 0 {
                first = other;
                break;
            }
        }
        for register in first..first + count {
            if self.known().values & bit(register) == 0 {
                let from = self.value();
                self.copy(register, from);
            }
        }
        self.held |= bits(first, count);
        first
    }

    pub fn copy(&mut self, to: u16, from: u16) {
        self.abc(Op::Move, to, from, 0);
        self.hints[to as usize] = self.hints[from as usize];
    }

    /// The index of a constant.
    pub fn constant(&mut self, constant: Constant) -> u32 {
        let known = self.body.constants.iter().position(|other| *other == constant);
        let index = known.unwrap_or_else(|| {
            self.body.constants.push(constant);
            self.body.constants.len() - 1
        });
        index as u32
    }

    pub fn text(&mut self, text: &str) -> u32 {
        self.constant(Constant::Str(text.into()))
    }

    // Values of every kind.

    /// Makes a value of a kind, in the register that is given.
    pub fn produce(&mut self, hint: Hint) -> u16 {
        let out = match hint {
            Hint::Nil | Hint::Bool | Hint::Int | Hint::Float | Hint::Str | Hint::Bytes => self.simple(hint),
            Hint::List => self.container(Op::MakeList),
            Hint::Tuple => self.container(Op::MakeTuple),
            Hint::Map => self.container(Op::MakeMap),
            Hint::Range => {
                let (from, to) = (self.like(&[Hint::Int]), self.like(&[Hint::Int]));
                let (out, flag) = (self.out(), self.number(2) as u8);
                self.emit(Word::abcd(Op::MakeRange, out, from, to, flag));
                out
            }
            Hint::Native => {
                let name = self.one_of(super::names::NATIVES);
                self.native(name)
            }
            Hint::Function => self.closure(),
            Hint::Type => self.make_type(),
            Hint::Set => self.made_by("set", &[Hint::List]),
            Hint::Error => self.made_by("error", &[Hint::Str]),
            Hint::Fiber => self.made_by("fiber", &[Hint::Function, Hint::Native]),
            Hint::Instance => {
                let ty = self.like(&[Hint::Type]);
                let count = self.number(4);
                let arguments: Vec<u16> = (0..count).map(|_| self.value()).collect();
                self.call(ty, &arguments)
            }
        };
        self.hints[out as usize] = hint;
        out
    }

    fn simple(&mut self, hint: Hint) -> u16 {
        let out = self.out();
        match hint {
            Hint::Nil => self.ax(Op::LoadNil, out, 0),
            Hint::Bool => {
                let flag = self.number(2) as u32;
                self.ax(Op::LoadBool, out, flag);
            }
            Hint::Int => {
                let int = self.one_of(&[0, 1, 2, 3, -1, 7, 100, i32::MAX, i32::MIN]);
                self.int(out, int);
            }
            _ => {
                let index = self.number(8) as u64;
                let constant = match hint {
                    Hint::Float => {
                        Constant::Float([0.5, -0.0, 1e300, f64::NAN, 2.0, -3.25, 0.0, 1.0][index as usize].to_bits())
                    }
                    Hint::Bytes => Constant::Bytes(vec![7; index as usize].into()),
                    _ if index == 7 => Constant::Int(1 << 40),
                    _ => Constant::Str(["", "a", "x", "ab", "é", "1", "m"][index as usize].into()),
                };
                let constant = self.constant(constant);
                self.ax(Op::LoadConst, out, constant);
            }
        }
        out
    }

    fn container(&mut self, op: Op) -> u16 {
        let count = self.number(4) as u16;
        let first = self.row(if op == Op::MakeMap { 2 * count } else { count });
        let out = self.out();
        self.abc(op, out, first, count);
        out
    }

    pub fn native(&mut self, name: &str) -> u16 {
        let (out, name) = (self.out(), self.text(name));
        self.ax(Op::GetNative, out, name);
        self.hints[out as usize] = Hint::Native;
        out
    }

    fn made_by(&mut self, name: &str, of: &[Hint]) -> u16 {
        let argument = self.like(of);
        let native = self.native(name);
        self.hold(native);
        self.call(native, &[argument])
    }

    // Functions and types.

    /// Where a function to be nested finds its free variables.
    pub fn site(&mut self, child: usize) -> ClosureSite {
        let made = self.library[child].clone();
        let mut sources = Vec::new();
        for (&kind, &writes) in made.code.body().free.iter().zip(&made.writes) {
            sources.push(match kind {
                FreeKind::Value => self.value_source(),
                FreeKind::Cell => self.cell_source(writes),
            });
        }
        ClosureSite { child: self.child(made.code), sources, own_debug: OwnDebug::default() }
    }

    fn value_source(&mut self) -> CaptureSource {
        let own: Vec<u16> = self.free_of(FreeKind::Value);
        match self.number(8) {
            0 => CaptureSource::Running,
            1 if self.owned => CaptureSource::Owner,
            2 | 3 if !own.is_empty() => CaptureSource::Free(self.one_of(&own)),
            _ => CaptureSource::Register(self.value()),
        }
    }

    fn cell_source(&mut self, writes: bool) -> CaptureSource {
        let own: Vec<u16> = self.free_of(FreeKind::Cell);
        if !own.is_empty() && self.chance(40) {
            let free = self.one_of(&own);
            self.writes[free as usize] |= writes;
            return CaptureSource::Free(free);
        }
        CaptureSource::Register(self.cell(writes))
    }

    pub fn free_of(&self, kind: FreeKind) -> Vec<u16> {
        (0..self.body.free.len() as u16).filter(|&free| self.body.free[free as usize] == kind).collect()
    }

    pub fn child(&mut self, code: Code) -> u32 {
        let known = self.body.children.iter().position(|other| *other == code);
        let index = known.unwrap_or_else(|| {
            self.body.children.push(code);
            self.body.children.len() - 1
        });
        index as u32
    }

    /// The functions of the library that fit.
    fn children(&self, fits: impl Fn(&Code) -> bool) -> Vec<usize> {
        (0..self.library.len()).filter(|&child| fits(&self.library[child].code)).collect()
    }

    fn closure(&mut self) -> u16 {
        let children = self.children(|code| !code.uses_owner());
        if children.is_empty() {
            let out = self.out();
            self.abc(Op::GetSelf, out, 0, 0);
            return out;
        }
        let child = self.one_of(&children);
        self.closure_of(child)
    }

    pub fn closure_of(&mut self, child: usize) -> u16 {
        let site = self.site(child);
        let out = self.out();
        if self.state.is_some() {
            self.body.closures.push(site);
            self.ax(Op::MakeClosure, out, self.body.closures.len() as u32 - 1);
        }
        out
    }

    fn make_type(&mut self) -> u16 {
        let count = self.number(4);
        let constructors = self.children(|code| code.constructs(count));
        if constructors.is_empty() || self.state.is_none() {
            return self.native("int");
        }
        let constructor = self.one_of(&constructors);
        let constructor = self.site(constructor);
        let name = self.text("T");
        let fields = ["x", "y", "z"][..count].iter().map(|field| self.text(field)).collect();
        let mut methods = Vec::new();
        let mut names = super::names::SPECIAL.to_vec();
        for _ in 0..self.number(7) {
            let name = names.remove(self.number(names.len()));
            methods.extend(self.method(name));
        }
        let out = self.out();
        self.body.types.push(TypeSite { name, fields, constructor, methods });
        self.ax(Op::MakeType, out, self.body.types.len() as u32 - 1);
        out
    }

    fn method(&mut self, name: &str) -> Option<quipu::code::MethodSite> {
        let instance = self.chance(90);
        let children = self.children(|code| code.is_method() && (!instance || code.body().required > 0));
        if children.is_empty() {
            return None;
        }
        let child = self.one_of(&children);
        let closure = self.site(child);
        Some(quipu::code::MethodSite { name: self.text(name), instance, closure })
    }

    // Calls.

    /// Puts a callee and arguments in a row, from a register on that leaves as much as can be.
    pub fn window(&mut self, callee: u16, arguments: &[u16]) -> u16 {
        let room = arguments.len() as u16 + 1;
        let most = self.body.registers - room;
        let lowest = if self.chance(90) { self.body.registers - TOP } else { most / 2 };
        // What else has been chosen is read later.
        let own = arguments.iter().fold(bit(callee), |set, &register| set | bit(register));
        let above = 64 - (self.held & !own).leading_zeros() as u16;
        let lowest = lowest.max(above).min(most);
        let first = lowest + self.number((most - lowest) as usize + 1) as u16;
        self.copy(first, callee);
        for (&argument, register) in arguments.iter().zip(first + 1..) {
            self.copy(register, argument);
        }
        first
    }

    pub fn call(&mut self, callee: u16, arguments: &[u16]) -> u16 {
        let first = self.window(callee, arguments);
        let out = self.out();
        self.emit(Word::abcd(Op::Call, out, first, 0, arguments.len() as u8));
        out
    }

    /// The body as it is now, its tables in order.
    pub fn finish(mut self) -> (Body, Vec<bool>) {
        self.body.handlers.sort_by_key(|handler| (handler.end, u32::MAX - handler.start));
        (self.body, self.writes)
    }
}

/// What an instruction leaves known.
fn write(state: &mut State, word: Word, op: Op) {
    for &(field, role) in op.operands() {
        let register = word.field(field) as u16;
        match (role, op) {
            (Role::IterOut, _) => state.put_iterator(register),
            (Role::Out, Op::NewCell) => state.put_cell(register, word.x() == 1),
            (Role::Out, Op::Next | Op::TryKey) => state.put_maybe(register),
            (Role::Out, _) => state.put_value(register),
            _ => {}
        }
    }
}
