//! From a code object to machine code, one instruction after the other, by way of Cranelift.
//!
//! What docs/decisions/jit.md asks of a compiler is kept to: registers are 16 bytes, a tag and 64 bits; every
//! operation guards the tags it needs; a register is written to the frame before anything that may stop, if it is alive
//! then; fuel is taken at every call and every turn of a loop; and whatever the code cannot do, it leaves to the
//! interpreter before the instruction in question.

use std::collections::HashMap;
use std::error::Error;

use cranelift::prelude::*;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};
use quipu::code::{Code, Op, Word};

/// The tags of the machine's values that occur here.
mod tag {
    pub const NIL: u64 = 0;
    pub const FALSE: u64 = 1;
    pub const TRUE: u64 = 2;
    pub const INT: u64 = 3;
    pub const ABSENT: u64 = 5;
    pub const CLOSURE: u64 = 21;
}

/// A register of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Slot {
    tag: u64,
    bits: u64,
}

impl Slot {
    /// An int.
    pub fn int(int: i64) -> Slot {
        Slot { tag: tag::INT, bits: int as u64 }
    }
}

/// Why compiled code did not come to its end.
#[derive(Debug)]
#[allow(dead_code)]
pub struct Left {
    /// The instruction that comes next.
    pub at: u64,
    /// The fuel that was there.
    pub fuel: i64,
}

/// What compiled code knows of its machine.
#[repr(C)]
struct Context {
    fuel: i64,
    /// Where the stack ends.
    limit: u64,
}

const FUEL: i32 = 0;
const LIMIT: i32 = 8;

/// The tag of a result that is none: the code has left before the instruction in the bits.
const LEFT: i64 = 0xff;

type Entry = extern "C" fn(base: *mut Slot, context: *mut Context, function: u64) -> Slot;

/// A function as machine code.
pub struct Compiled {
    entry: Entry,
    registers: usize,
    // The code lives as long as this.
    _module: JITModule,
}

impl Compiled {
    /// Compiles a function that captures nothing.
    ///
    /// # Errors
    /// It has an instruction that this measurement has no need of.
    pub fn new(code: &Code) -> Result<Compiled, Box<dyn Error>> {
        let mut flags = settings::builder();
        flags.set("use_colocated_libcalls", "false")?;
        flags.set("is_pic", "false")?;
        flags.set("opt_level", "speed")?;
        let isa = cranelift_native::builder()?.finish(settings::Flags::new(flags))?;
        let mut module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        let mut signature = module.make_signature();
        signature.params.extend([AbiParam::new(types::I64); 3]);
        signature.returns.extend([AbiParam::new(types::I64); 2]);
        let id = module.declare_function("function", Linkage::Local, &signature)?;
        let mut context = module.make_context();
        context.func.signature = signature;
        let mut variables = FunctionBuilderContext::new();
        let builder = FunctionBuilder::new(&mut context.func, &mut variables);
        Translator::new(code, builder, &mut module, id).run()?;
        module.define_function(id, &mut context)?;
        module.finalize_definitions()?;
        let address = module.get_finalized_function(id);
        // SAFETY: the code behind it was made for this signature, in the convention of this system.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
        Ok(Compiled { entry, registers: usize::from(code.body().registers), _module: module })
    }

    /// Runs it on an empty stack.
    pub fn call(&self, stack: &mut [Slot], fuel: i64, args: &[Slot]) -> Result<Slot, Left> {
        assert!(stack.len() > self.registers + args.len());
        stack[..args.len()].copy_from_slice(args);
        let mut context = Context { fuel, limit: stack.as_ptr_range().end as u64 };
        // Any number does for the function, as the code only compares it with itself.
        let result = (self.entry)(stack.as_mut_ptr(), &mut context, 1);
        match result.tag == LEFT as u64 {
            true => Err(Left { at: result.bits, fuel: context.fuel }),
            false => Ok(result),
        }
    }
}

/// A register while the code runs.
#[derive(Clone, Copy)]
struct Register {
    tag: Variable,
    bits: Variable,
}

struct Translator<'c, 'b> {
    code: &'c Code,
    to: FunctionBuilder<'b>,
    module: &'c mut JITModule,
    id: FuncId,
    registers: Vec<Register>,
    /// Blocks by the instruction they begin with.
    blocks: HashMap<u32, Block>,
    base: Value,
    context: Value,
    function: Value,
    /// The comparison just made, and the register that has its result.
    compared: Option<(u16, Value)>,
}

impl<'c, 'b> Translator<'c, 'b> {
    fn new(code: &'c Code, mut to: FunctionBuilder<'b>, module: &'c mut JITModule, id: FuncId) -> Self {
        let entry = to.create_block();
        to.append_block_params_for_function_params(entry);
        to.switch_to_block(entry);
        let &[base, context, function] = to.block_params(entry) else { unreachable!("it has three parameters") };
        let body = code.body();
        let mut registers = Vec::new();
        for index in 0..i32::from(body.registers) {
            let register = Register { tag: to.declare_var(types::I64), bits: to.declare_var(types::I64) };
            let is_parameter = index < i32::from(body.required);
            for (variable, offset) in [(register.tag, 0), (register.bits, 8)] {
                let value = match is_parameter {
                    true => to.ins().load(types::I64, MemFlagsData::trusted(), base, 16 * index + offset),
                    false => to.ins().iconst(types::I64, 0),
                };
                to.def_var(variable, value);
            }
            registers.push(register);
        }
        let blocks = body.words.iter().filter_map(|word| target(*word)).map(|pc| (pc, to.create_block())).collect();
        Translator { code, to, module, id, registers, blocks, base, context, function, compared: None }
    }

    fn run(mut self) -> Result<(), Box<dyn Error>> {
        let code = self.code;
        let mut ended = false;
        for (pc, &word) in (0u32..).zip(&code.body().words) {
            if let Some(&block) = self.blocks.get(&pc) {
                if !ended {
                    self.to.ins().jump(block, &[]);
                }
                self.to.switch_to_block(block);
                self.compared = None;
            } else if ended {
                // Nothing leads here.
                continue;
            }
            ended = self.instruction(pc, word)?;
        }
        self.to.seal_all_blocks();
        self.to.finalize(self.module.target_config());
        Ok(())
    }

    /// Translates an instruction; gives whether the next one is not reached from it.
    fn instruction(&mut self, pc: u32, word: Word) -> Result<bool, Box<dyn Error>> {
        let (a, b, c) = (word.a(), word.b(), word.c());
        let op = word.op().ok_or("no such instruction")?;
        let compared = self.compared.take();
        match op {
            Op::LoadInt => {
                let value = self.to.ins().iconst(types::I64, i64::from(word.x() as i32));
                self.set_int(a, value);
            }
            Op::Move => {
                let (tag, bits) = self.get(b);
                self.set(a, tag, bits);
            }
            Op::GetSelf => {
                let tag = self.number(tag::CLOSURE);
                self.set(a, tag, self.function);
            }
            Op::Add | Op::Sub | Op::Mul => {
                let (x, y) = (self.int(b, pc), self.int(c, pc));
                let (value, overflows) = match op {
                    Op::Add => self.to.ins().sadd_overflow(x, y),
                    Op::Sub => self.to.ins().ssub_overflow(x, y),
                    _ => self.to.ins().smul_overflow(x, y),
                };
                self.leave_if(overflows, pc);
                self.set_int(a, value);
            }
            Op::Mod => {
                let (x, y) = (self.int(b, pc), self.int(c, pc));
                // 0 is an error; -1 is left to the interpreter, because the processor traps on the least int by it.
                let is_special = self.to.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, y, -1);
                self.leave_if(is_special, pc);
                let is_zero = self.to.ins().icmp_imm_s(IntCC::Equal, y, 0);
                self.leave_if(is_zero, pc);
                // The remainder takes the sign of the divisor.
                let rest = self.to.ins().srem(x, y);
                let signs = self.to.ins().bxor(rest, y);
                let differ = self.to.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
                let some = self.to.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
                let wrong = self.to.ins().band(differ, some);
                let moved = self.to.ins().iadd(rest, y);
                let value = self.to.ins().select(wrong, moved, rest);
                self.set_int(a, value);
            }
            Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne => {
                let (x, y) = (self.int(b, pc), self.int(c, pc));
                let condition = match op {
                    Op::Lt => IntCC::SignedLessThan,
                    Op::Le => IntCC::SignedLessThanOrEqual,
                    Op::Gt => IntCC::SignedGreaterThan,
                    Op::Ge => IntCC::SignedGreaterThanOrEqual,
                    Op::Eq => IntCC::Equal,
                    _ => IntCC::NotEqual,
                };
                let holds = self.to.ins().icmp(condition, x, y);
                let wide = self.to.ins().uextend(types::I64, holds);
                let tag = self.to.ins().iadd_imm_s(wide, tag::FALSE as i64);
                let bits = self.number(0);
                self.set(a, tag, bits);
                self.compared = Some((a, holds));
            }
            Op::Jump => {
                self.to.ins().jump(self.blocks[&word.x()], &[]);
                return Ok(true);
            }
            Op::JumpIf | Op::JumpIfNot => {
                let holds = self.truth(a, compared, pc);
                let (target, next) = (self.blocks[&word.x()], self.to.create_block());
                let (then, otherwise) = if op == Op::JumpIf { (target, next) } else { (next, target) };
                self.to.ins().brif(holds, then, &[], otherwise, &[]);
                self.to.switch_to_block(next);
            }
            Op::LoopIf => {
                let holds = self.truth(a, compared, pc);
                self.turn(holds, word.x(), pc);
            }
            Op::LoopPresent => {
                let (tag, _) = self.get(a);
                let present = self.to.ins().icmp_imm_s(IntCC::NotEqual, tag, tag::ABSENT as i64);
                self.turn(present, word.x(), pc);
            }
            Op::IterRange if word.d() == 0 => {
                let (from, to) = (self.int(b, pc), self.int(c, pc));
                self.set_int(a, from);
                self.set_int(a + 1, to);
                let bits = self.number(0);
                let tag = self.number(tag::NIL);
                self.set(a + 2, tag, bits);
            }
            Op::Next => {
                // Of a range: no other iterator is made here.
                let (at, end) = (self.int(b, pc), self.int(b + 1, pc));
                let more = self.to.ins().icmp(IntCC::SignedLessThan, at, end);
                let (int, absent) = (self.number(tag::INT), self.number(tag::ABSENT));
                let tag = self.to.ins().select(more, int, absent);
                // Below the end there is a next int.
                let step = self.to.ins().uextend(types::I64, more);
                let next = self.to.ins().iadd(at, step);
                self.set_int(b, next);
                self.set(a, tag, at);
            }
            Op::Call => self.call(pc, word),
            Op::Return => {
                let (tag, bits) = self.get(a);
                self.to.ins().return_(&[tag, bits]);
                return Ok(true);
            }
            _ => return Err(format!("{} is not translated", op.name()).into()),
        }
        Ok(false)
    }

    /// A call of the running function; of another one it leaves.
    fn call(&mut self, pc: u32, word: Word) {
        let (tag, bits) = self.get(word.b());
        self.guard(tag, tag::CLOSURE, pc);
        let other = self.to.ins().icmp(IntCC::NotEqual, bits, self.function);
        self.leave_if(other, pc);
        let arity = u16::from(word.d());
        // The code of another number of arguments is an error, which the interpreter throws.
        if arity != u16::from(self.code.body().required) {
            let always = self.to.ins().iconst(types::I8, 1);
            self.leave_if(always, pc);
        }
        let first = word.b() + 1;
        let callee = self.to.ins().iadd_imm_s(self.base, 16 * i64::from(first));
        let end = self.to.ins().iadd_imm_s(callee, 16 * i64::from(self.code.body().registers));
        let limit = self.to.ins().load(types::I64, MemFlagsData::trusted(), self.context, LIMIT);
        let too_deep = self.to.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.leave_if(too_deep, pc);
        self.burn(pc);
        for register in first..first + arity {
            self.store(register);
        }
        for register in self.code.live_during(pc).unwrap_or_default() {
            self.store(register);
        }
        let function = self.module.declare_func_in_func(self.id, self.to.func);
        let call = self.to.ins().call(function, &[callee, self.context, self.function]);
        let &[tag, bits] = self.to.inst_results(call) else { unreachable!("it has two results") };
        let (left, next) = (self.to.create_block(), self.to.create_block());
        let has_left = self.to.ins().icmp_imm_s(IntCC::Equal, tag, LEFT);
        self.to.ins().brif(has_left, left, &[], next, &[]);
        self.to.set_cold_block(left);
        self.to.switch_to_block(left);
        self.to.ins().return_(&[tag, bits]);
        self.to.switch_to_block(next);
        self.set(word.a(), tag, bits);
    }

    /// One more turn of a loop if this holds.
    fn turn(&mut self, holds: Value, target: u32, pc: u32) {
        let (again, next) = (self.to.create_block(), self.to.create_block());
        self.to.ins().brif(holds, again, &[], next, &[]);
        self.to.switch_to_block(again);
        self.burn(pc);
        self.to.ins().jump(self.blocks[&target], &[]);
        self.to.switch_to_block(next);
    }

    /// Takes a unit of fuel, or leaves if there is none.
    fn burn(&mut self, pc: u32) {
        let fuel = self.to.ins().load(types::I64, MemFlagsData::trusted(), self.context, FUEL);
        let empty = self.to.ins().icmp_imm_s(IntCC::SignedLessThanOrEqual, fuel, 0);
        self.leave_if(empty, pc);
        let rest = self.to.ins().iadd_imm_s(fuel, -1);
        self.to.ins().store(MemFlagsData::trusted(), rest, self.context, FUEL);
    }

    /// Leaves before an instruction if this holds, with everything in the frame that it needs.
    fn leave_if(&mut self, holds: Value, pc: u32) {
        let (leave, next) = (self.to.create_block(), self.to.create_block());
        self.to.ins().brif(holds, leave, &[], next, &[]);
        self.to.set_cold_block(leave);
        self.to.switch_to_block(leave);
        for register in self.code.live_before(pc).unwrap_or_default() {
            self.store(register);
        }
        let (tag, at) = (self.to.ins().iconst(types::I64, LEFT), self.number(u64::from(pc)));
        self.to.ins().return_(&[tag, at]);
        self.to.switch_to_block(next);
    }

    fn guard(&mut self, tag: Value, wanted: u64, pc: u32) {
        let other = self.to.ins().icmp_imm_s(IntCC::NotEqual, tag, wanted as i64);
        self.leave_if(other, pc);
    }

    /// The int in a register; leaves if there is none.
    fn int(&mut self, register: u16, pc: u32) -> Value {
        let (tag, bits) = self.get(register);
        self.guard(tag, tag::INT, pc);
        bits
    }

    /// Whether a register holds true; leaves if it holds no bool.
    fn truth(&mut self, register: u16, compared: Option<(u16, Value)>, pc: u32) -> Value {
        if let Some((result, holds)) = compared
            && result == register
        {
            return holds;
        }
        let (tag, _) = self.get(register);
        let less = self.to.ins().iadd_imm_s(tag, -(tag::FALSE as i64));
        let other = self.to.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, less, 1);
        self.leave_if(other, pc);
        self.to.ins().icmp_imm_s(IntCC::Equal, tag, tag::TRUE as i64)
    }

    fn get(&mut self, register: u16) -> (Value, Value) {
        let Register { tag, bits } = self.registers[usize::from(register)];
        (self.to.use_var(tag), self.to.use_var(bits))
    }

    fn set(&mut self, register: u16, tag: Value, bits: Value) {
        let to = self.registers[usize::from(register)];
        self.to.def_var(to.tag, tag);
        self.to.def_var(to.bits, bits);
    }

    fn set_int(&mut self, register: u16, int: Value) {
        let tag = self.number(tag::INT);
        self.set(register, tag, int);
    }

    fn store(&mut self, register: u16) {
        let (tag, bits) = self.get(register);
        let offset = 16 * i32::from(register);
        self.to.ins().store(MemFlagsData::trusted(), tag, self.base, offset);
        self.to.ins().store(MemFlagsData::trusted(), bits, self.base, offset + 8);
    }

    fn number(&mut self, number: u64) -> Value {
        self.to.ins().iconst(types::I64, number as i64)
    }
}

/// Where an instruction may jump to.
fn target(word: Word) -> Option<u32> {
    match word.op()? {
        Op::Jump | Op::JumpIf | Op::JumpIfNot | Op::LoopIf | Op::LoopPresent => Some(word.x()),
        _ => None,
    }
}
