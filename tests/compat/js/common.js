// Functions that the JavaScript programs share; python/common.py describes the environment variables of scripts/compat.sh.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');

const ports = process.env.COMPAT_PORTS.split(' ').map(Number);
const port = Number(process.env.COMPAT_PORT);
const allowMissing = process.env.COMPAT_ALLOW_MISSING === '1';
const nodes = `${ports.length} node${ports.length > 1 ? 's' : ''}`;
// Maximum wait, far longer than an election takes on a busy machine.
const patienceMs = 60_000;

const done = [];
const leftOut = [];

// Calls `probe` repeatedly until it returns a truthy value, and returns that value.
async function until(what, probe) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() < deadline, `waited ${patienceMs / 1000} s for ${what}`);
    await sleep(10);
  }
}

// A promise that is rejected if there is no result in time.
function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patienceMs / 1000} s for ${what}`)), patienceMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Runs a part of a program if the server has its commands. A missing one is noted if the environment allows it, otherwise an error.
// `call` sends one request.
async function part(what, needs, call, act) {
  const missing = [];
  for (const name of needs) {
    if (name.includes(' ')) {
      await call(name.split(' ')).catch((error) => /unknown subcommand/i.test(error.message) && missing.push(name));
    } else if ((await call(['COMMAND', 'INFO', name]))[0] === null) {
      missing.push(name);
    }
  }
  if (missing.length === 0) {
    const said = await act();
    done.push(said ? `${what} (${said})` : what);
  } else {
    assert.ok(allowMissing, `the server has no ${missing.join(', ')}`);
    leftOut.push(what);
  }
}

// Waits until all nodes answer and agree on a leader, and returns its number, from 0. `info` requests INFO from the node at a port.
function leader(info) {
  return until('a leader that all agree on', async () => {
    const told = new Set();
    for (const port of ports) {
      const text = await info(port).catch(() => '');
      told.add(Number(/^leader_id:(-?\d+)/m.exec(text)?.[1] ?? -1));
    }
    const [first] = told;
    return told.size === 1 && first > 0 && { number: first - 1 };
  }).then(({ number }) => number);
}

// Kills a node without a shutdown; scripts/compat.sh starts it again.
function kill(number) {
  process.kill(Number(fs.readFileSync(`${process.env.COMPAT_DIR}/node${number + 1}.pid`, 'utf8')), 'SIGKILL');
}

// Runs a program and prints its summary line, or the part in which it failed.
async function run(client, program) {
  try {
    await program();
    assert.ok(done.length > 0, 'no part was run');
    const without = leftOut.length ? `; without ${leftOut.join(', ')}` : '';
    console.log(`${client} (${nodes}): ${done.join(', ')}${without}`);
    process.exit(0);
  } catch (error) {
    const place = /[^/]+\.js:\d+/.exec(error.stack.split('\n').find((line) => line.includes(__dirname)) ?? '')?.[0];
    console.log(`${client} (${nodes}): FAILED at ${place}: ${error.message}; done before: ${done.join(', ') || 'nothing'}`);
    process.exit(1);
  }
}

module.exports = { assert, port, ports, until, within, part, leader, kill, run };
