// Runs programs in WebAssembly, each in an instance of its own, and prints what came of them as a JSON array:
//
//     node run.mjs quipu_playground.wasm < names-and-texts.json > answers.json

import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const programs = JSON.parse(readFileSync(0, "utf8"));

// Instances that have not trapped are used again: programs share nothing but memory.
let exports;

function run([name, text]) {
    exports ??= new WebAssembly.Instance(module).exports;
    const bytes = (text) => new TextEncoder().encode(text);
    const [head, body] = [bytes(name), bytes(text)];
    const at = exports.alloc(head.length + body.length);
    // Memory may have grown, so that it is looked at anew after every call.
    const place = new Uint8Array(exports.memory.buffer, at, head.length + body.length);
    place.set(head);
    place.set(body, head.length);
    const length = exports.run(head.length);
    return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.answer(), length));
}

const answers = programs.map((program) => {
    try {
        return run(program);
    } catch (error) {
        exports = undefined;
        return `trap ${error}`;
    }
});
process.stdout.write(JSON.stringify(answers));
