// Compiles every contract and writes one artifact each below the directory given:
//   NODE_PATH=<node_modules with solc> node compile.js <out>
// No network, no metadata in the bytecode: the same sources and compiler give the same bytes anywhere.
'use strict';
const { createHash } = require('crypto');
const fs = require('fs');
const path = require('path');
const solc = require('solc');

const pinned = '0.8.37';
if (!solc.version().startsWith(pinned + '+')) throw new Error(`solc ${solc.version()}, want ${pinned}`);

const settings = {
  viaIR: true,
  optimizer: { enabled: true, runs: 1 }, // small code: a forwarder is deployed once and called once or twice
  evmVersion: 'paris', // no PUSH0: one bytecode, so one address, also on chains that lag behind Ethereum
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};

// compile returns what solc makes of the .sol files in dir, by contract name, and the hash of those sources.
function compile(dir) {
  const sources = {};
  const hash = createHash('sha256');
  for (const file of fs.readdirSync(dir).filter((f) => f.endsWith('.sol')).sort()) {
    const content = fs.readFileSync(path.join(dir, file), 'utf8');
    sources[file] = { content };
    hash.update(`${file}\n${content}`);
  }
  const output = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));
  const problems = (output.errors || []).map((e) => e.formattedMessage);
  if (problems.length) throw new Error(problems.join('\n'));
  return { contracts: Object.assign({}, ...Object.values(output.contracts)), sources: hash.digest('hex') };
}

// artifact prints one contract, an ABI entry a line so that a diff can be read.
function artifact(name, contract, abi, sources) {
  const fields = {
    contract: name,
    compiler: `solc ${pinned}`,
    sources,
    abi,
    bytecode: '0x' + contract.evm.bytecode.object,
    runtime: '0x' + contract.evm.deployedBytecode.object,
  };
  const lines = Object.entries(fields).map(([key, value]) => {
    if (key !== 'abi') return `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    return `  "abi": [\n${value.map((e) => '    ' + JSON.stringify(e)).join(',\n')}\n  ]`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

// write compiles dir and writes its contracts, but not its interfaces: a contract that reads its calldata itself has
// the ABI of the interface of its name.
function write(dir, out) {
  fs.mkdirSync(out, { recursive: true });
  const { contracts, sources } = compile(dir);
  for (const [name, contract] of Object.entries(contracts)) {
    if (!contract.evm.bytecode.object) continue;
    const said = contracts['I' + name];
    const abi = said ? [...contract.abi, ...said.abi] : contract.abi;
    fs.writeFileSync(path.join(out, name + '.json'), artifact(name, contract, abi, sources));
  }
}

const out = process.argv[2];
if (!out) throw new Error('usage: node compile.js <out>');
write(__dirname, path.join(out, 'artifacts'));
write(path.join(__dirname, 'contractstest'), path.join(out, 'contractstest', 'artifacts'));
