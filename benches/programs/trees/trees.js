// Binary trees: many small objects made, walked and forgotten, beside one tree that stays.

class Node {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}

function grow(depth) {
  return depth === 0 ? new Node(null, null) : new Node(grow(depth - 1), grow(depth - 1));
}

function count(tree) {
  return tree.left === null ? 1 : 1 + count(tree.left) + count(tree.right);
}

function run(most) {
  const lasting = grow(most);
  let sum = 0;
  for (let depth = 4; depth <= most; depth += 4) {
    for (let i = 0; i < 2 ** (most - depth + 4); i++) sum += count(grow(depth));
  }
  return sum + count(lasting);
}

console.log(run(Number(process.argv[2])));
