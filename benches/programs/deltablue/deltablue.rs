//! A constraint solver after DeltaBlue: variables, constraints of different strengths, and plans that are kept up to
//! date as constraints come and go. Variables and constraints refer to one another by number.

/// Strengths, the strongest first.
const REQUIRED: u8 = 0;
const PREFERRED: u8 = 1;
const STRONG: u8 = 2;
const NORMAL: u8 = 3;
const WEAKEST: u8 = 6;

struct Variable {
    value: i64,
    constraints: Vec<usize>,
    determined_by: Option<usize>,
    mark: u64,
    walk: u8,
    stay: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Unsolved,
    Forward,
    Backward,
}

type Rule = Box<dyn Fn(i64) -> i64>;

enum Kind {
    /// Holds a variable where it is, or, as an input, where the program puts it.
    Unary { target: usize, is_input: bool, satisfied: bool },
    /// Keeps two variables in a relation, by computing one of them from the other.
    Binary { left: usize, right: usize, to_right: Rule, to_left: Rule, direction: Direction },
}

struct Constraint {
    strength: u8,
    kind: Kind,
}

impl Constraint {
    fn unary(target: usize, strength: u8, is_input: bool) -> Constraint {
        Constraint { strength, kind: Kind::Unary { target, is_input, satisfied: false } }
    }

    fn equal(left: usize, right: usize, strength: u8) -> Constraint {
        let direction = Direction::Unsolved;
        Constraint {
            strength,
            kind: Kind::Binary { left, right, to_right: Box::new(|x| x), to_left: Box::new(|x| x), direction },
        }
    }

    fn scaled(left: usize, factor: i64, offset: i64, right: usize, strength: u8) -> Constraint {
        let to_right = Box::new(move |x| x * factor + offset);
        let to_left = Box::new(move |x: i64| (x - offset).div_euclid(factor));
        Constraint { strength, kind: Kind::Binary { left, right, to_right, to_left, direction: Direction::Unsolved } }
    }

    fn is_satisfied(&self) -> bool {
        match &self.kind {
            Kind::Unary { satisfied, .. } => *satisfied,
            Kind::Binary { direction, .. } => *direction != Direction::Unsolved,
        }
    }

    fn give_up(&mut self) {
        match &mut self.kind {
            Kind::Unary { satisfied, .. } => *satisfied = false,
            Kind::Binary { direction, .. } => *direction = Direction::Unsolved,
        }
    }

    fn choose(&mut self, variables: &[Variable], mark: u64) {
        let strength = self.strength;
        match &mut self.kind {
            Kind::Unary { target, satisfied, .. } => {
                *satisfied = variables[*target].mark != mark && strength < variables[*target].walk;
            }
            Kind::Binary { left, right, direction, .. } => {
                let (left, right) = (&variables[*left], &variables[*right]);
                let to_left = left.mark != mark && (right.mark == mark || left.walk > right.walk);
                *direction = if to_left {
                    if strength < left.walk { Direction::Backward } else { Direction::Unsolved }
                } else if right.mark != mark && strength < right.walk {
                    Direction::Forward
                } else {
                    Direction::Unsolved
                };
            }
        }
    }

    fn input(&self) -> Option<usize> {
        match &self.kind {
            Kind::Unary { .. } => None,
            Kind::Binary { left, right, direction, .. } => {
                Some(if *direction == Direction::Forward { *left } else { *right })
            }
        }
    }

    fn output(&self) -> usize {
        match &self.kind {
            Kind::Unary { target, .. } => *target,
            Kind::Binary { left, right, direction, .. } => {
                if *direction == Direction::Forward {
                    *right
                } else {
                    *left
                }
            }
        }
    }

    fn inputs_known(&self, variables: &[Variable], mark: u64) -> bool {
        self.input().map(|input| &variables[input]).is_none_or(|input| {
            input.mark == mark || input.stay || input.determined_by.is_none()
        })
    }

    fn recalculate(&self, variables: &mut [Variable]) {
        match (&self.kind, self.input()) {
            (Kind::Unary { target, is_input, .. }, _) => {
                variables[*target].walk = self.strength;
                variables[*target].stay = !is_input;
            }
            (_, Some(input)) => {
                let (walk, stay) = (variables[input].walk, variables[input].stay);
                let output = &mut variables[self.output()];
                output.walk = self.strength.max(walk);
                output.stay = stay;
                if stay {
                    self.execute(variables);
                }
            }
            (Kind::Binary { .. }, None) => {}
        }
    }

    fn execute(&self, variables: &mut [Variable]) {
        if let Kind::Binary { left, right, to_right, to_left, direction } = &self.kind {
            if *direction == Direction::Forward {
                variables[*right].value = to_right(variables[*left].value);
            } else {
                variables[*left].value = to_left(variables[*right].value);
            }
        }
    }
}

#[derive(Default)]
struct Planner {
    variables: Vec<Variable>,
    constraints: Vec<Constraint>,
    last_mark: u64,
}

impl Planner {
    fn variable(&mut self, value: i64) -> usize {
        let walk = WEAKEST;
        self.variables.push(Variable { value, constraints: vec![], determined_by: None, mark: 0, walk, stay: true });
        self.variables.len() - 1
    }

    fn new_mark(&mut self) -> u64 {
        self.last_mark += 1;
        self.last_mark
    }

    /// The variables that a constraint is about.
    fn around(&self, constraint: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, second) = match self.constraints[constraint].kind {
            Kind::Unary { target, .. } => (target, None),
            Kind::Binary { left, right, .. } => (left, Some(right)),
        };
        std::iter::once(first).chain(second)
    }

    fn add(&mut self, constraint: Constraint) -> usize {
        self.constraints.push(constraint);
        let constraint = self.constraints.len() - 1;
        for variable in self.around(constraint) {
            self.variables[variable].constraints.push(constraint);
        }
        self.solve(constraint);
        constraint
    }

    fn detach(&mut self, constraint: usize) {
        for variable in self.around(constraint) {
            let variable = &mut self.variables[variable];
            variable.constraints.retain(|&known| known != constraint);
            if variable.determined_by == Some(constraint) {
                variable.determined_by = None;
            }
        }
    }

    /// Satisfies a constraint, then what it has overridden, and so on.
    fn solve(&mut self, constraint: usize) {
        let mark = self.new_mark();
        let mut next = Some(constraint);
        while let Some(constraint) = next {
            next = self.satisfy(constraint, mark);
        }
    }

    fn satisfy(&mut self, at: usize, mark: u64) -> Option<usize> {
        let constraint = &mut self.constraints[at];
        constraint.choose(&self.variables, mark);
        if !constraint.is_satisfied() {
            assert!(constraint.strength != REQUIRED, "a required constraint cannot be satisfied");
            return None;
        }
        if let Some(input) = constraint.input() {
            self.variables[input].mark = mark;
        }
        let output = constraint.output();
        let overridden = self.variables[output].determined_by;
        if let Some(overridden) = overridden {
            self.constraints[overridden].give_up();
        }
        self.variables[output].determined_by = Some(at);
        self.propagate(at, mark);
        self.variables[output].mark = mark;
        overridden
    }

    fn propagate(&mut self, constraint: usize, mark: u64) {
        let mut todo = vec![constraint];
        while let Some(next) = todo.pop() {
            let output = self.constraints[next].output();
            assert!(self.variables[output].mark != mark, "a cycle of constraints");
            self.constraints[next].recalculate(&mut self.variables);
            self.add_consumers(output, &mut todo);
        }
    }

    /// Adds to `found` what computes other variables from this one.
    fn add_consumers(&self, variable: usize, found: &mut Vec<usize>) {
        let variable = &self.variables[variable];
        for &constraint in &variable.constraints {
            if Some(constraint) != variable.determined_by && self.constraints[constraint].is_satisfied() {
                found.push(constraint);
            }
        }
    }

    fn remove(&mut self, constraint: usize) {
        if !self.constraints[constraint].is_satisfied() {
            self.detach(constraint);
            return;
        }
        let output = self.constraints[constraint].output();
        self.constraints[constraint].give_up();
        self.detach(constraint);
        let unsatisfied = self.release(output);
        for strength in REQUIRED..WEAKEST {
            for &other in &unsatisfied {
                if self.constraints[other].strength == strength {
                    self.solve(other);
                }
            }
        }
    }

    /// Frees a variable and all that follows from it; gives what could now be satisfied.
    fn release(&mut self, output: usize) -> Vec<usize> {
        let freed = &mut self.variables[output];
        freed.determined_by = None;
        freed.walk = WEAKEST;
        freed.stay = true;
        let mut unsatisfied = Vec::new();
        let mut todo = vec![output];
        while let Some(variable) = todo.pop() {
            for i in 0..self.variables[variable].constraints.len() {
                let at = self.variables[variable].constraints[i];
                let constraint = &self.constraints[at];
                if !constraint.is_satisfied() {
                    unsatisfied.push(at);
                } else if Some(at) != self.variables[variable].determined_by {
                    constraint.recalculate(&mut self.variables);
                    todo.push(constraint.output());
                }
            }
        }
        unsatisfied
    }

    /// What to execute, in order, when the input changes.
    fn plan_from(&mut self, input: usize) -> Vec<usize> {
        let mark = self.new_mark();
        let mut plan = Vec::new();
        let mut todo = vec![input];
        while let Some(next) = todo.pop() {
            let output = self.constraints[next].output();
            if self.variables[output].mark != mark && self.constraints[next].inputs_known(&self.variables, mark) {
                plan.push(next);
                self.variables[output].mark = mark;
                self.add_consumers(output, &mut todo);
            }
        }
        plan
    }

    fn execute(&mut self, plan: &[usize]) {
        for &constraint in plan {
            self.constraints[constraint].execute(&mut self.variables);
        }
    }

    fn change(&mut self, variable: usize, value: i64) {
        let edit = self.add(Constraint::unary(variable, PREFERRED, true));
        let plan = self.plan_from(edit);
        for _ in 0..10 {
            self.variables[variable].value = value;
            self.execute(&plan);
        }
        self.remove(edit);
    }
}

/// A long chain of equalities: a change at one end reaches the other.
fn chain(length: usize) -> i64 {
    let mut planner = Planner::default();
    let variables: Vec<usize> = (0..=length).map(|_| planner.variable(0)).collect();
    for pair in variables.windows(2) {
        planner.add(Constraint::equal(pair[0], pair[1], REQUIRED));
    }
    planner.add(Constraint::unary(variables[length], STRONG, false));
    let edit = planner.add(Constraint::unary(variables[0], PREFERRED, true));
    let plan = planner.plan_from(edit);
    let mut sum = 0;
    for i in 0..100 {
        planner.variables[variables[0]].value = i;
        planner.execute(&plan);
        sum += planner.variables[variables[length]].value;
    }
    planner.remove(edit);
    sum
}

/// Many pairs of variables, one a multiple of the other, changed from both sides.
fn projection(pairs: i64) -> i64 {
    let mut planner = Planner::default();
    let mut made = Vec::new();
    for i in 0..pairs {
        let (source, target) = (planner.variable(i), planner.variable(i));
        made.push((source, target));
        planner.add(Constraint::unary(source, NORMAL, false));
        planner.add(Constraint::scaled(source, 10, 1000, target, REQUIRED));
    }
    let mut sum = 0;
    for (source, target) in made {
        planner.change(source, 17);
        sum += planner.variables[target].value;
        planner.change(target, 1050);
        sum += planner.variables[source].value;
    }
    sum
}

fn run(rounds: i64) -> i64 {
    (0..rounds).map(|i| chain((200 + i % 10) as usize) + projection(200 + i % 10)).sum()
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
