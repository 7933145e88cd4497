//! Collections: when they happen, and what they keep.

use quipu_code::Word;

use super::guard::{keep_no_more_than, keep_registers};
use crate::heap::prepared::NO_KEY;
use crate::machine::Machine;
use crate::native::{Fault, Stop};

type Done = Result<(), Fault<'static>>;

impl Machine {
    /// A collection is due.
    pub(super) fn collect_now(&mut self, _: Word) -> Done {
        self.collect();
        if self.heap.has_room(0) { Ok(()) } else { Err(Fault::Stop(Stop::Heap)) }
    }

    /// There is no free cell for what an instruction makes; it runs again.
    pub(super) fn refill(&mut self, _: Word) -> Done {
        self.heap.add_block();
        Ok(())
    }

    /// Frees what nothing refers to any more.
    pub(crate) fn collect(&mut self) {
        self.park();
        self.native = std::ptr::null();
        self.graph_hashes.clear();
        let begun = self.account.as_ref().map(|_| self.now());
        let Machine { heap, fiber, waiting, spare, natives, methods, roots, result, codes, strings, fault, .. } = self;
        let (unwinding, unbound) = (&mut self.unwinding, &mut self.unbound);
        let holds = heap.held() > 0;
        heap.mark(|marker| {
            if holds {
                codes.values().for_each(|code| marker.code(&raw const **code));
            }
            for fiber in waiting.iter().chain([&*fiber, &*spare]) {
                if !fiber.is_null() {
                    marker.header(fiber.cast());
                }
            }
            natives.values().chain(roots.iter()).for_each(|&slot| marker.slot(slot));
            methods.iter().flat_map(|of_type| of_type.values()).for_each(|&slot| marker.slot(slot));
            marker.slot(*result);
            unwinding.for_each_value(|slot| marker.slot(slot));
            if let Some(Fault::Thrown(value)) = fault {
                marker.slot(value.slot());
            }
        });
        // SAFETY: nothing is freed before `sweep`.
        unsafe {
            unbound.retain(|_, slot| heap.is_live(slot.bits as *const _));
            unwinding.retain(|fiber| heap.is_live(fiber.cast()));
            strings.retain(|_, slot| heap.is_live(slot.bits as *const _));
            let color = heap.live_color();
            // While Rust code holds values it may hold prepared code, too: that is all marked then.
            let mut counted = 0;
            codes.retain(|_, code| {
                let stays = code.is_marked(color) || code.give_up(heap.stress);
                counted += if stays { 0 } else { code.counted.get() };
                stays
            });
            heap.bytes -= counted;
            for code in codes.values() {
                // Small keys are tags of built-in types, which live as long as the machine.
                code.clear_caches(|key| key > 0xff && key != NO_KEY && !heap.is_live(key as *const _));
            }
        }
        let marked = begun.map(|begun| self.now().since(begun));
        // SAFETY: nothing is freed before `sweep`.
        let freed = begun.map(|_| self.heap.tally(|header| unsafe { !self.heap.is_live(header) }));
        let swept = begun.map(|_| self.now());
        self.heap.sweep();
        if let (Some(marked), Some(freed), Some(swept)) = (marked, freed, swept) {
            let pause = marked + self.now().since(swept);
            if let Some(account) = &mut self.account {
                account.collected(pause, &freed);
            }
        }
    }

    /// Stands wherever the library or the host may be called, which may collect: under stress it does. As while a native is
    /// called back, nothing is freed that there was.
    #[inline]
    pub(crate) fn strain(&mut self) {
        if self.call_stress {
            self.collect_the_rest();
        }
    }

    #[cold]
    fn collect_the_rest(&mut self) {
        let (held, fiber, native) = (self.heap.held(), self.fiber, self.native);
        // SAFETY: the running fiber is live, and stays so.
        unsafe {
            let window = keep_registers(fiber);
            self.heap.hold();
            self.collect();
            self.native = native;
            self.heap.release(held);
            keep_no_more_than(fiber, window);
        }
    }
}
