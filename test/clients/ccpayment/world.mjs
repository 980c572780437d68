// The other side of standard input and output: a JSON object a line. It sees the steps, and does what a shop cannot.
import { createInterface } from 'node:readline';

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// step tells that a promise was kept.
export const step = (name, facts = {}) => say({ step: name, facts });

// ask has the world do something and returns what there is to know of it.
export async function ask(name, facts) {
  say({ ask: name, with: facts });
  const { value, done } = await answers.next();
  if (done) throw new Error(`nobody answers to ${name}`);
  const { answer, error } = JSON.parse(value);
  if (error) throw new Error(`${name}: ${error}`);
  return answer ?? {};
}

// run makes the journey and tells how it ended.
export async function run(journey) {
  let last;
  try {
    last = { end: await journey() };
  } catch (why) {
    last = { failed: why.message || String(why) };
    process.stderr.write(`${why.stack}\n`);
  }
  process.stdout.write(`${JSON.stringify(last)}\n`, () => process.exit(0));
}
