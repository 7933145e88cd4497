//! Registers of a frame: a stack of locals and temporaries.

/// A register's number in its frame.
pub(super) type Reg = u16;

/// Registers that a function may have at most.
pub(super) const LIMIT: u32 = quipu_code::check::MAX_REGISTERS as u32;

/// Where a value is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dst {
    pub(super) reg: Reg,
    /// Whether the register holds nothing that could still be read, so that it may take intermediate results.
    pub(super) fresh: bool,
}

impl Dst {
    /// A register that nobody reads yet.
    pub(super) fn fresh(reg: Reg) -> Dst {
        Dst { reg, fresh: true }
    }

    /// A variable that the expression may still read; it is written at the very end only.
    pub(super) fn variable(reg: Reg) -> Dst {
        Dst { reg, fresh: false }
    }
}

/// What becomes of an expression's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    /// Nothing: it is evaluated for what it does.
    Nothing,
    /// It is put into a register.
    Into(Dst),
    /// The function returns it.
    Tail,
}

/// The registers in use.
#[derive(Default)]
pub(super) struct Registers {
    top: u32,
    most: u32,
}

impl Registers {
    /// The lowest register that is free; all above it are too.
    pub(super) fn top(&self) -> u32 {
        self.top
    }

    /// Takes the lowest free register; None when there are too many.
    pub(super) fn take(&mut self) -> Option<Reg> {
        let reg = self.top;
        if reg >= LIMIT {
            return None;
        }
        self.top += 1;
        self.most = self.most.max(self.top);
        Some(reg as Reg)
    }

    /// Gives back all registers from `top` on.
    pub(super) fn free_to(&mut self, top: u32) {
        self.top = top;
    }

    /// How many registers the frame needs.
    pub(super) fn count(&self) -> u16 {
        self.most as u16
    }
}
