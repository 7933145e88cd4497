"""A constraint solver after DeltaBlue: variables, constraints of different strengths, and plans that are kept up to
date as constraints come and go."""

import sys

# Strengths, the strongest first.
REQUIRED, PREFERRED, STRONG, NORMAL, WEAKEST = 0, 1, 2, 3, 6
UNSOLVED, FORWARD, BACKWARD = range(3)


class Variable:
    __slots__ = ("value", "constraints", "determined_by", "mark", "walk", "stay")

    def __init__(self, value):
        self.value = value
        self.constraints = []
        self.determined_by = None
        self.mark = 0
        self.walk = WEAKEST
        self.stay = True

    def forget(self, constraint):
        self.constraints.remove(constraint)
        if self.determined_by is constraint:
            self.determined_by = None


class Unary:
    """Holds a variable where it is, or, as an input, where the program puts it."""

    __slots__ = ("target", "strength", "is_input", "satisfied")

    def __init__(self, target, strength, is_input):
        self.target = target
        self.strength = strength
        self.is_input = is_input
        self.satisfied = False

    def attach(self):
        self.target.constraints.append(self)

    def detach(self):
        self.target.forget(self)

    def is_satisfied(self):
        return self.satisfied

    def give_up(self):
        self.satisfied = False

    def choose(self, mark):
        self.satisfied = self.target.mark != mark and self.strength < self.target.walk

    def output(self):
        return self.target

    def mark_inputs(self, _mark):
        pass

    def inputs_known(self, _mark):
        return True

    def recalculate(self):
        self.target.walk = self.strength
        self.target.stay = not self.is_input

    def execute(self):
        pass


class Binary:
    """Keeps two variables in a relation, by computing one of them from the other."""

    __slots__ = ("left", "right", "strength", "to_right", "to_left", "direction")

    def __init__(self, left, right, strength, to_right, to_left):
        self.left = left
        self.right = right
        self.strength = strength
        self.to_right = to_right
        self.to_left = to_left
        self.direction = UNSOLVED

    def attach(self):
        self.left.constraints.append(self)
        self.right.constraints.append(self)

    def detach(self):
        self.left.forget(self)
        self.right.forget(self)

    def is_satisfied(self):
        return self.direction != UNSOLVED

    def give_up(self):
        self.direction = UNSOLVED

    def choose(self, mark):
        left, right = self.left, self.right
        if left.mark == mark:
            to_left = False
        elif right.mark == mark:
            to_left = True
        else:
            to_left = left.walk > right.walk
        if to_left:
            self.direction = BACKWARD if self.strength < left.walk else UNSOLVED
        else:
            self.direction = FORWARD if right.mark != mark and self.strength < right.walk else UNSOLVED

    def input(self):
        return self.left if self.direction == FORWARD else self.right

    def output(self):
        return self.right if self.direction == FORWARD else self.left

    def mark_inputs(self, mark):
        self.input().mark = mark

    def inputs_known(self, mark):
        input = self.input()
        return input.mark == mark or input.stay or input.determined_by is None

    def recalculate(self):
        input, output = self.input(), self.output()
        output.walk = self.strength if self.strength > input.walk else input.walk
        output.stay = input.stay
        if output.stay:
            self.execute()

    def execute(self):
        if self.direction == FORWARD:
            self.right.value = self.to_right(self.left.value)
        else:
            self.left.value = self.to_left(self.right.value)


def equal(a, b, strength):
    return Binary(a, b, strength, lambda x: x, lambda x: x)


def scaled(a, factor, offset, b, strength):
    return Binary(a, b, strength, lambda x: x * factor + offset, lambda x: (x - offset) // factor)


def add_consumers(variable, found):
    """Adds to `found` what computes other variables from this one."""
    for constraint in variable.constraints:
        if constraint is not variable.determined_by and constraint.is_satisfied():
            found.append(constraint)


class Planner:
    __slots__ = ("last_mark",)

    def __init__(self):
        self.last_mark = 0

    def new_mark(self):
        self.last_mark += 1
        return self.last_mark

    def add(self, constraint):
        constraint.attach()
        self.solve(constraint)
        return constraint

    def solve(self, constraint):
        """Satisfies a constraint, then what it has overridden, and so on."""
        mark = self.new_mark()
        next = constraint
        while next is not None:
            next = self.satisfy(next, mark)

    def satisfy(self, constraint, mark):
        constraint.choose(mark)
        if not constraint.is_satisfied():
            if constraint.strength == REQUIRED:
                raise RuntimeError("a required constraint cannot be satisfied")
            return None
        constraint.mark_inputs(mark)
        output = constraint.output()
        overridden = output.determined_by
        if overridden is not None:
            overridden.give_up()
        output.determined_by = constraint
        self.propagate(constraint, mark)
        output.mark = mark
        return overridden

    def propagate(self, constraint, mark):
        todo = [constraint]
        while todo:
            next = todo.pop()
            if next.output().mark == mark:
                raise RuntimeError("a cycle of constraints")
            next.recalculate()
            add_consumers(next.output(), todo)

    def remove(self, constraint):
        if not constraint.is_satisfied():
            constraint.detach()
            return
        output = constraint.output()
        constraint.give_up()
        constraint.detach()
        unsatisfied = self.release(output)
        for strength in range(REQUIRED, WEAKEST):
            for other in unsatisfied:
                if other.strength == strength:
                    self.solve(other)

    def release(self, output):
        """Frees a variable and all that follows from it; gives what could now be satisfied."""
        output.determined_by = None
        output.walk = WEAKEST
        output.stay = True
        unsatisfied = []
        todo = [output]
        while todo:
            variable = todo.pop()
            for constraint in variable.constraints:
                if not constraint.is_satisfied():
                    unsatisfied.append(constraint)
                elif constraint is not variable.determined_by:
                    constraint.recalculate()
                    todo.append(constraint.output())
        return unsatisfied

    def plan_from(self, input):
        """What to execute, in order, when the input changes."""
        mark = self.new_mark()
        plan = []
        todo = [input]
        while todo:
            next = todo.pop()
            output = next.output()
            if output.mark != mark and next.inputs_known(mark):
                plan.append(next)
                output.mark = mark
                add_consumers(output, todo)
        return plan

    def change(self, variable, value):
        edit = self.add(Unary(variable, PREFERRED, True))
        plan = self.plan_from(edit)
        for _ in range(10):
            variable.value = value
            for constraint in plan:
                constraint.execute()
        self.remove(edit)


def chain(length):
    """A long chain of equalities: a change at one end reaches the other."""
    planner = Planner()
    variables = [Variable(0) for _ in range(length + 1)]
    for i in range(length):
        planner.add(equal(variables[i], variables[i + 1], REQUIRED))
    planner.add(Unary(variables[length], STRONG, False))
    edit = planner.add(Unary(variables[0], PREFERRED, True))
    plan = planner.plan_from(edit)
    total = 0
    for i in range(100):
        variables[0].value = i
        for constraint in plan:
            constraint.execute()
        total += variables[length].value
    planner.remove(edit)
    return total


def projection(pairs):
    """Many pairs of variables, one a multiple of the other, changed from both sides."""
    planner = Planner()
    sources = []
    targets = []
    for i in range(pairs):
        source, target = Variable(i), Variable(i)
        sources.append(source)
        targets.append(target)
        planner.add(Unary(source, NORMAL, False))
        planner.add(scaled(source, 10, 1000, target, REQUIRED))
    total = 0
    for i in range(pairs):
        planner.change(sources[i], 17)
        total += targets[i].value
        planner.change(targets[i], 1050)
        total += sources[i].value
    return total


def run(rounds):
    total = 0
    for i in range(rounds):
        total += chain(200 + i % 10) + projection(200 + i % 10)
    return total


print(run(int(sys.argv[1])))
