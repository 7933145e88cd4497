//! Literals with parts: tuples, lists, maps and interpolated strings.

use quipu_code::span::Span;
use quipu_code::{Op, Word};

use super::builder::Label;
use super::emit::Compiler;
use super::register::{Dst, Reg, Want};
use crate::ast::{Element, Expr, MapElement, Part};

/// Parts that are put into registers at once; longer literals are built step by step, so that frames stay small.
const ROW: usize = 64;

impl<'s> Compiler<'s> {
    pub(super) fn tuple(&mut self, span: Span, parts: &'s [Expr<'s>], want: Want) {
        let mark = self.mark();
        let out = self.out(span, want);
        let row = self.next_register();
        for part in parts {
            self.temporary(part);
        }
        self.emit(span, Word::abc(Op::MakeTuple, out, self.row_of(row, parts.len()), parts.len() as u16));
        self.deliver(span, want, out);
        self.release(mark);
    }

    pub(super) fn list(&mut self, span: Span, elements: &'s [Element<'s>], want: Want) {
        let mark = self.mark();
        let list = self.collector(span, want);
        let row = self.next_register();
        self.build_list(span, list, row, 0, elements.iter().map(|element| (element.spread, &element.value)));
        self.deliver(span, want, list);
        self.release(mark);
    }

    /// Makes a list of `given` values that stand from `row` on, and of elements. The row, up to the last given value,
    /// is what the registers in use end with; the list may take the first register of the row.
    pub(super) fn build_list(
        &mut self,
        span: Span,
        list: Reg,
        row: Reg,
        given: usize,
        elements: impl Iterator<Item = (bool, &'s Expr<'s>)>,
    ) {
        let mut elements = elements.peekable();
        let mut count = given;
        while count < ROW
            && let Some((_, element)) = elements.next_if(|element| !element.0)
        {
            self.temporary(element);
            count += 1;
        }
        self.emit(span, Word::abc(Op::MakeList, list, self.row_of(row, count), count as u16));
        self.f.registers.free_to(row as u32);
        if list == row {
            self.take(span);
        }
        for (spread, element) in elements {
            let mark = self.mark();
            if spread {
                self.push_all(list, element);
            } else {
                let value = self.operand(element);
                self.emit(element.span, Word::abc(Op::ListPush, list, value, 0));
            }
            self.release(mark);
        }
    }

    /// `..e` in a list: whatever can be looped over is appended element by element.
    fn push_all(&mut self, list: Reg, iterable: &'s Expr<'s>) {
        let iterator = self.iterator(iterable);
        if !self.f.reachable {
            return;
        }
        let element = self.take(iterable.span);
        let mut next = Label::new();
        self.jump(iterable.span, Op::Jump, 0, &mut next);
        self.f.reachable = true;
        let body = self.f.pc();
        self.emit(iterable.span, Word::abc(Op::ListPush, list, element, 0));
        self.f.bind(next);
        self.step(iterable.span, iterator, element, body);
    }

    pub(super) fn map(&mut self, span: Span, elements: &'s [MapElement<'s>], want: Want) {
        let mark = self.mark();
        let map = self.collector(span, want);
        let row = self.next_register();
        let mut rest = elements;
        let mut count = 0;
        while count < ROW / 2
            && let Some((MapElement::Pair(key, value), later)) = rest.split_first()
        {
            self.temporary(key);
            self.temporary(value);
            count += 1;
            rest = later;
        }
        self.emit(span, Word::abc(Op::MakeMap, map, self.row_of(row, count), count as u16));
        self.f.registers.free_to(row as u32);
        for element in rest {
            let mark = self.mark();
            match element {
                MapElement::Pair(key, value) => {
                    let place = key.span.to(value.span);
                    let key = self.operand_before(key, value.span);
                    let value = self.operand(value);
                    self.emit(place, Word::abc(Op::MapPut, map, key, value));
                }
                MapElement::Spread(other) => {
                    let place = other.span;
                    let other = self.operand(other);
                    self.emit(place, Word::abc(Op::MapMerge, map, other, 0));
                }
            }
            self.release(mark);
        }
        self.deliver(span, want, map);
        self.release(mark);
    }

    pub(super) fn interpolation(&mut self, span: Span, parts: &'s [Part<'s>], want: Want) {
        let mark = self.mark();
        if let [Part::Formatted(only, spec)] = parts {
            let window = self.row(span, want);
            self.formatted(only, spec, window);
            self.deliver(span, want, window);
            return self.release(mark);
        }
        let out = self.out(span, want);
        if let [Part::Expr(only)] = parts {
            let value = self.operand(only);
            self.emit(only.span, Word::abc(Op::ToStr, out, value, 0));
        } else {
            let row = self.next_register();
            let mut count = 0;
            for part in parts {
                if count == ROW {
                    self.emit(span, Word::abc(Op::Concat, row, row, count as u16));
                    self.f.registers.free_to(row as u32 + 1);
                    count = 1;
                }
                count += self.piece(span, part) as usize;
            }
            self.emit(span, Word::abc(Op::Concat, out, self.row_of(row, count), count as u16));
        }
        self.deliver(span, want, out);
        self.release(mark);
    }

    /// Puts a piece of a string into the next register; an empty one is left out.
    fn piece(&mut self, span: Span, part: &'s Part<'s>) -> bool {
        match part {
            Part::Text(text) if text.is_empty() => false,
            Part::Text(text) => {
                let reg = self.take(span);
                self.constant(span, Want::Into(Dst::fresh(reg)), |this, out| {
                    Word::ax(Op::LoadConst, out, this.f.constants.text(&mut this.texts, text))
                });
                true
            }
            Part::Formatted(expr, spec) => {
                let window = self.take(expr.span);
                self.formatted(expr, spec, window);
                true
            }
            Part::Expr(expr) => {
                let reg = self.take(expr.span);
                let value = match self.in_place(expr) {
                    Some((_, value)) => value,
                    None => {
                        self.expr(expr, Want::Into(Dst::fresh(reg)));
                        reg
                    }
                };
                self.emit(expr.span, Word::abc(Op::ToStr, reg, value, 0));
                true
            }
        }
    }

    /// Puts what the built-in function `format` gives for a value into a register, the last one taken.
    fn formatted(&mut self, expr: &'s Expr<'s>, spec: &'s str, window: Reg) {
        let mark = self.mark();
        if self.f.reachable {
            let format = self.f.constants.text(&mut self.texts, "format");
            self.emit(expr.span, Word::ax(Op::GetNative, window, format));
        }
        self.temporary(expr);
        let text = self.take(expr.span);
        self.constant(expr.span, Want::Into(Dst::fresh(text)), |this, out| {
            Word::ax(Op::LoadConst, out, this.f.constants.text(&mut this.texts, spec))
        });
        self.emit(expr.span, Word::abcd(Op::Call, window, window, 0, 2));
        self.release(mark);
    }

    /// The register that will be taken next.
    pub(super) fn next_register(&self) -> Reg {
        self.f.registers.top().min(Reg::MAX as u32) as Reg
    }

    /// The first register of a row, as instructions name it: a row of none begins at register 0.
    fn row_of(&self, row: Reg, count: usize) -> Reg {
        if count == 0 { 0 } else { row }
    }
}
