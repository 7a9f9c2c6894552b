// Tests node-redis: client.json.*, pipelines, transactions, pub/sub, its cache, its cluster client.
'use strict';

const redis = require('redis');
const { version } = require('redis/package.json');
const { assert, port, ports, until, within, part, leader, kill, run } = require('./common');

const document = {
  name: 'Alice', age: 30, score: 1.5, tags: ['a', 'b', 'a'], on: true, address: { city: 'Paris' }, none: null,
};

async function connect(options = {}) {
  const client = redis.createClient({ socket: { port, host: '127.0.0.1', ...options.socket }, ...options.client });
  client.on('error', () => {});
  return client.connect();
}

// For every command of client.json: a call, its result, and its result in RESP3 if that differs.
const calls = [
  ['set', ['k', '$', { a: 1 }], 'OK'],
  ['set', ['k', '$.age', 1, { condition: 'NX' }], null],
  ['set', ['k', '$.none', null, { XX: true }], 'OK'],
  ['get', ['k'], document],
  ['get', ['k', { path: '$.age' }], [30]],
  ['get', ['k', { path: ['$.age', '$.name'] }], { '$.age': [30], '$.name': ['Alice'] }],
  ['get', ['missing'], null],
  ['mGet', [['k', 'missing'], '$.age'], [[30], null]],
  ['mSet', [[{ key: 'k', path: '$.age', value: 1 }, { key: 'o', path: '$', value: {} }]], 'OK'],
  ['merge', ['k', '$', { age: null }], 'OK'],
  ['del', ['k', { path: '$.age' }], 1],
  ['forget', ['k'], 1],
  ['clear', ['k', { path: '$.tags' }], 1],
  ['type', ['k', { path: '$.age' }], ['integer']],
  ['type', ['k'], 'object'],
  ['numIncrBy', ['k', '$.age', 2], [32]],
  ['numIncrBy', ['k', '.score', 1], 2.5, [2.5]],
  ['numMultBy', ['k', '$.score', 3], [4.5]],
  ['strLen', ['k', { path: '$.name' }], [5]],
  ['strAppend', ['k', '!', { path: '$.name' }], [6]],
  ['toggle', ['k', '$.on'], [0]],
  ['arrAppend', ['k', '$.tags', 'c', { d: 1 }], [5]],
  ['arrIndex', ['k', '$.tags', 'a', { range: { start: 1, stop: 0 } }], [2]],
  ['arrInsert', ['k', '$.tags', 1, 'x'], [4]],
  ['arrLen', ['k', { path: '$.tags' }], [3]],
  ['arrPop', ['k', { path: '$.tags', index: 0 }], ['a']],
  ['arrPop', ['k', { path: '.tags' }], 'a'],
  ['arrTrim', ['k', '$.tags', 1, 1], [1]],
  ['objKeys', ['k', { path: '$.address' }], [['city']]],
  ['objLen', ['k', { path: '$.address' }], [1]],
];

async function jsonApi() {
  for (const RESP of [2, 3]) {
    const client = await connect({ client: { RESP } });
    const names = Object.keys(require('@redis/json').default).filter((name) => name !== name.toUpperCase());
    const called = new Set([...calls.map(([name]) => name), 'debugMemory']);
    assert.deepEqual(names.filter((name) => !called.has(name)), [], 'every command has a call');
    for (const [name, words, resp2, resp3 = resp2] of calls) {
      await client.del('missing');
      await client.json.set('k', '$', document);
      assert.deepEqual(await client.json[name](...words), RESP === 3 ? resp3 : resp2, `RESP${RESP} json.${name}(${words})`);
    }
    assert.ok((await client.json.debugMemory('k')) > 0);
    await assert.rejects(client.json.numIncrBy('missing', '$.a', 1), /doesn't exist/);
    await assert.rejects(client.json.set('missing', '$.a', 1), /new objects must be created at the root/);
    client.destroy();
  }
  return `${calls.length + 3} calls, RESP2 and RESP3`;
}

async function pipeline(client) {
  // Requests made in the same turn of the event loop are sent as one pipeline.
  const numbers = [...Array(300).keys()];
  const stored = await Promise.all(numbers.map((n) => client.json.set(`p:${n}`, '$', { n })));
  assert.ok(stored.every((answer) => answer === 'OK'));
  const read = await client.json.mGet(numbers.map((n) => `p:${n}`), '$.n');
  assert.deepEqual(read, numbers.map((n) => [n]));
  const batch = client.multi();
  numbers.forEach((n) => batch.json.numIncrBy(`p:${n}`, '$.n', 1));
  assert.deepEqual(await batch.execAsPipeline(), numbers.map((n) => [n + 1]));
}

async function transaction(client) {
  assert.deepEqual(await client.multi().set('m', 1).incr('m').get('m').exec(), ['OK', 2, '2']);
  const own = await connect();
  await own.watch('m');
  await client.set('m', 10);
  await assert.rejects(own.multi().set('m', 0).exec(), redis.WatchError);
  await own.watch('m');
  assert.deepEqual(await own.multi().incr('m').exec(), [11]);
  own.destroy();
}

async function jsonTransaction(client) {
  const replies = await client.multi().json.set('mj', '$', { n: 1 }).json.numIncrBy('mj', '$.n', 1).json.get('mj').exec();
  assert.deepEqual(replies, ['OK', [2], { n: 2 }]);
}

async function publish(client) {
  for (const RESP of [2, 3]) {
    const listener = await connect({ client: { RESP } });
    let hear;
    const heard = new Promise((resolve) => { hear = resolve; });
    await listener.subscribe('news', (message, channel) => hear([message, channel]));
    await listener.pSubscribe('other*', () => {});
    assert.equal(await client.publish('news', 'hello'), 1);
    assert.deepEqual(await within('a message', heard), ['hello', 'news']);
    await listener.unsubscribe('news');
    await listener.pUnsubscribe();
    assert.equal(await client.publish('news', 'hello'), 0);
    listener.destroy();
  }
}

async function cacheOf(client, write, read) {
  const cached = await connect({ client: { RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0 } } });
  await write(client, 1);
  // At a follower, the invalidation of that write may arrive after the first reads. One read too many is not an error.
  await until('a read from the cache', async () => {
    assert.equal(await read(cached), '1');
    return (cached.clientSideCache?.stats().hitCount ?? 1) > 0;
  });
  await write(client, 2);
  await until('the cache to be invalidated', async () => (await read(cached)) === '2');
  await client.flushAll();
  await until('FLUSHALL to empty the cache', async () => (await read(cached)) === undefined);
  cached.destroy();
}

function cache(client) {
  return cacheOf(client, (to, n) => to.set('c', String(n)), async (from) => (await from.get('c')) ?? undefined);
}

function jsonCache(client) {
  return cacheOf(
    client,
    (to, n) => to.json.set('cj', '$', { n }),
    async (from) => (await from.json.get('cj'))?.n.toString(),
  );
}

async function defaults(client) {
  assert.equal(await client.ping(), 'PONG');
  assert.match(await client.info('server'), /redis_version:[7-9]/);
  const own = await client.clientInfo();
  assert.ok(own.id > 0);
  const names = [];
  for await (const keys of client.scanIterator({ MATCH: 'nobody*' })) names.push(...keys);
  assert.deepEqual(names, []);
  assert.equal(await client.set('s', 'x', { EX: 100 }), 'OK');
  assert.ok((await client.ttl('s')) > 90);
  assert.equal(await client.del('s'), 1);
}

async function info(at) {
  const client = redis.createClient({ socket: { port: at, host: '127.0.0.1', reconnectStrategy: false } });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.info('raft');
  } finally {
    client.destroy();
  }
}

// Repeats a request that failed or became uncertain because of an election or a restart. These requests may be executed twice.
async function patient(what, act) {
  let answer;
  await until(what, async () => {
    try {
      answer = await act();
      return true;
    } catch (error) {
      assert.match(String(error.message), /LOADING|CLUSTERDOWN|TRYAGAIN|UNCERTAIN|Socket closed|ECONNREFUSED|ECONNRESET/);
      return false;
    }
  });
  return answer;
}

async function failover() {
  const number = await leader(info);
  const client = await connect({ socket: { port: ports[number], reconnectStrategy: (tries) => Math.min(tries * 20, 300) } });
  await client.json.set('before', '$', { n: 1 });
  const lost = new Promise((resolve) => { client.once('reconnecting', resolve); });
  kill(number);
  await within('the client to notice', lost);
  await patient('a write', () => client.json.set('after', '$', { n: 2 }));
  const read = await patient('a read', () => client.json.mGet(['before', 'after'], '$.n'));
  assert.deepEqual(read, [[1], [2]]);
  client.destroy();
}

async function clusterFailover() {
  const rootNodes = ports.map((at) => ({ socket: { host: '127.0.0.1', port: at } }));
  const cluster = redis.createCluster({ rootNodes });
  cluster.on('error', () => {});
  await cluster.connect();
  assert.equal(cluster.masters.length, 1);
  const readers = redis.createCluster({ rootNodes, useReplicas: true });
  readers.on('error', () => {});
  await readers.connect();
  assert.equal(readers.replicas.length, 2);
  await cluster.json.set('cluster:before', '$', { n: 1 });
  await until('a replica to have it', async () => (await readers.json.get('cluster:before'))?.n === 1);
  readers.destroy();
  kill(await leader(info));
  await patient('a write', () => cluster.json.set('cluster:after', '$', { n: 2 }));
  for (const [key, n] of [['cluster:before', 1], ['cluster:after', 2]]) {
    assert.deepEqual(await patient('a read', () => cluster.json.get(key)), { n });
  }
  cluster.destroy();
}

run(`node-redis ${version}`, async () => {
  const client = await connect();
  const call = (words) => client.sendCommand(words);
  await part('defaults', ['SET', 'SCAN'], call, () => defaults(client));
  await part('client.json', ['JSON.SET'], call, jsonApi);
  await part('pipelines', ['JSON.SET'], call, () => pipeline(client));
  await part('MULTI and WATCH', ['MULTI', 'EXEC', 'WATCH', 'SET'], call, () => transaction(client));
  await part('MULTI with JSON', ['JSON.SET', 'MULTI', 'EXEC'], call, () => jsonTransaction(client));
  await part('pub/sub', ['SUBSCRIBE', 'PUBLISH', 'PSUBSCRIBE'], call, () => publish(client));
  await part('its cache', ['SET', 'GET', 'CLIENT TRACKINGINFO'], call, () => cache(client));
  await part('its cache of documents', ['JSON.SET', 'CLIENT TRACKINGINFO'], call, () => jsonCache(client));
  if (ports.length > 1) {
    await part('a killed leader', ['JSON.SET'], call, failover);
    await part('cluster mode and a killed leader', ['JSON.SET', 'CLUSTER'], call, clusterFailover);
  }
});
