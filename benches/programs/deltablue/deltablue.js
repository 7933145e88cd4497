// A constraint solver after DeltaBlue: variables, constraints of different strengths, and plans that are kept up to
// date as constraints come and go.

// Strengths, the strongest first.
const REQUIRED = 0, PREFERRED = 1, STRONG = 2, NORMAL = 3, WEAKEST = 6;
const UNSOLVED = 0, FORWARD = 1, BACKWARD = 2;

class Variable {
  constructor(value) {
    this.value = value;
    this.constraints = [];
    this.determinedBy = null;
    this.mark = 0;
    this.walk = WEAKEST;
    this.stay = true;
  }

  forget(constraint) {
    this.constraints.splice(this.constraints.indexOf(constraint), 1);
    if (this.determinedBy === constraint) this.determinedBy = null;
  }
}

// Holds a variable where it is, or, as an input, where the program puts it.
class Unary {
  constructor(target, strength, isInput) {
    this.target = target;
    this.strength = strength;
    this.isInput = isInput;
    this.satisfied = false;
  }

  attach() { this.target.constraints.push(this); }
  detach() { this.target.forget(this); }
  isSatisfied() { return this.satisfied; }
  giveUp() { this.satisfied = false; }
  choose(mark) {
    this.satisfied = this.target.mark !== mark && this.strength < this.target.walk;
  }
  output() { return this.target; }
  markInputs(_mark) {}
  inputsKnown(_mark) { return true; }
  recalculate() {
    this.target.walk = this.strength;
    this.target.stay = !this.isInput;
  }
  execute() {}
}

// Keeps two variables in a relation, by computing one of them from the other.
class Binary {
  constructor(left, right, strength, toRight, toLeft) {
    this.left = left;
    this.right = right;
    this.strength = strength;
    this.toRight = toRight;
    this.toLeft = toLeft;
    this.direction = UNSOLVED;
  }

  attach() {
    this.left.constraints.push(this);
    this.right.constraints.push(this);
  }
  detach() {
    this.left.forget(this);
    this.right.forget(this);
  }
  isSatisfied() { return this.direction !== UNSOLVED; }
  giveUp() { this.direction = UNSOLVED; }
  choose(mark) {
    const { left, right } = this;
    const toLeft = left.mark === mark ? false : right.mark === mark ? true : left.walk > right.walk;
    if (toLeft) this.direction = this.strength < left.walk ? BACKWARD : UNSOLVED;
    else this.direction = right.mark !== mark && this.strength < right.walk ? FORWARD : UNSOLVED;
  }
  input() { return this.direction === FORWARD ? this.left : this.right; }
  output() { return this.direction === FORWARD ? this.right : this.left; }
  markInputs(mark) { this.input().mark = mark; }
  inputsKnown(mark) {
    const input = this.input();
    return input.mark === mark || input.stay || input.determinedBy === null;
  }
  recalculate() {
    const input = this.input();
    const output = this.output();
    output.walk = this.strength > input.walk ? this.strength : input.walk;
    output.stay = input.stay;
    if (output.stay) this.execute();
  }
  execute() {
    if (this.direction === FORWARD) this.right.value = this.toRight(this.left.value);
    else this.left.value = this.toLeft(this.right.value);
  }
}

const equal = (a, b, strength) => new Binary(a, b, strength, (x) => x, (x) => x);
const scaled = (a, factor, offset, b, strength) =>
  new Binary(a, b, strength, (x) => x * factor + offset, (x) => Math.floor((x - offset) / factor));

// Adds to `found` what computes other variables from this one.
function addConsumers(variable, found) {
  for (const constraint of variable.constraints) {
    if (constraint !== variable.determinedBy && constraint.isSatisfied()) found.push(constraint);
  }
}

class Planner {
  constructor() { this.lastMark = 0; }

  newMark() {
    this.lastMark += 1;
    return this.lastMark;
  }

  add(constraint) {
    constraint.attach();
    this.solve(constraint);
    return constraint;
  }

  // Satisfies a constraint, then what it has overridden, and so on.
  solve(constraint) {
    const mark = this.newMark();
    let next = constraint;
    while (next !== null) next = this.satisfy(next, mark);
  }

  satisfy(constraint, mark) {
    constraint.choose(mark);
    if (!constraint.isSatisfied()) {
      if (constraint.strength === REQUIRED) throw new Error("a required constraint cannot be satisfied");
      return null;
    }
    constraint.markInputs(mark);
    const output = constraint.output();
    const overridden = output.determinedBy;
    if (overridden !== null) overridden.giveUp();
    output.determinedBy = constraint;
    this.propagate(constraint, mark);
    output.mark = mark;
    return overridden;
  }

  propagate(constraint, mark) {
    const todo = [constraint];
    while (todo.length > 0) {
      const next = todo.pop();
      if (next.output().mark === mark) throw new Error("a cycle of constraints");
      next.recalculate();
      addConsumers(next.output(), todo);
    }
  }

  remove(constraint) {
    if (!constraint.isSatisfied()) {
      constraint.detach();
      return;
    }
    const output = constraint.output();
    constraint.giveUp();
    constraint.detach();
    const unsatisfied = this.release(output);
    for (let strength = REQUIRED; strength < WEAKEST; strength++) {
      for (const other of unsatisfied) {
        if (other.strength === strength) this.solve(other);
      }
    }
  }

  // Frees a variable and all that follows from it; gives what could now be satisfied.
  release(output) {
    output.determinedBy = null;
    output.walk = WEAKEST;
    output.stay = true;
    const unsatisfied = [];
    const todo = [output];
    while (todo.length > 0) {
      const variable = todo.pop();
      for (const constraint of variable.constraints) {
        if (!constraint.isSatisfied()) {
          unsatisfied.push(constraint);
        } else if (constraint !== variable.determinedBy) {
          constraint.recalculate();
          todo.push(constraint.output());
        }
      }
    }
    return unsatisfied;
  }

  // What to execute, in order, when the input changes.
  planFrom(input) {
    const mark = this.newMark();
    const plan = [];
    const todo = [input];
    while (todo.length > 0) {
      const next = todo.pop();
      const output = next.output();
      if (output.mark !== mark && next.inputsKnown(mark)) {
        plan.push(next);
        output.mark = mark;
        addConsumers(output, todo);
      }
    }
    return plan;
  }

  change(variable, value) {
    const edit = this.add(new Unary(variable, PREFERRED, true));
    const plan = this.planFrom(edit);
    for (let i = 0; i < 10; i++) {
      variable.value = value;
      for (const constraint of plan) constraint.execute();
    }
    this.remove(edit);
  }
}

// A long chain of equalities: a change at one end reaches the other.
function chain(length) {
  const planner = new Planner();
  const variables = Array.from({ length: length + 1 }, () => new Variable(0));
  for (let i = 0; i < length; i++) planner.add(equal(variables[i], variables[i + 1], REQUIRED));
  planner.add(new Unary(variables[length], STRONG, false));
  const edit = planner.add(new Unary(variables[0], PREFERRED, true));
  const plan = planner.planFrom(edit);
  let sum = 0;
  for (let i = 0; i < 100; i++) {
    variables[0].value = i;
    for (const constraint of plan) constraint.execute();
    sum += variables[length].value;
  }
  planner.remove(edit);
  return sum;
}

// Many pairs of variables, one a multiple of the other, changed from both sides.
function projection(pairs) {
  const planner = new Planner();
  const sources = [];
  const targets = [];
  for (let i = 0; i < pairs; i++) {
    const source = new Variable(i);
    const target = new Variable(i);
    sources.push(source);
    targets.push(target);
    planner.add(new Unary(source, NORMAL, false));
    planner.add(scaled(source, 10, 1000, target, REQUIRED));
  }
  let sum = 0;
  for (let i = 0; i < pairs; i++) {
    planner.change(sources[i], 17);
    sum += targets[i].value;
    planner.change(targets[i], 1050);
    sum += sources[i].value;
  }
  return sum;
}

function run(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += chain(200 + i % 10) + projection(200 + i % 10);
  return sum;
}

console.log(run(Number(process.argv[2])));
