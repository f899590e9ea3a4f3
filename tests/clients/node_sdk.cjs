// The official Node SDK against the local cloud, unchanged: all that it is told is CLOUDINARY_URL.
//
// `node node_sdk.cjs everyday|large|spent`; each group says which cloud it wants. The Rust side starts that cloud.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const zlib = require('node:zlib');

const { v2: cloudinary } = require('cloudinary');

const { api, uploader } = cloudinary;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'allclear-node-'));
let files = 0;
let edge = '';

after(() => fs.rmSync(folder, { recursive: true }));

/** A picture of one colour. */
function png(red = 10, green = 20, blue = 30, width = 8, height = 6) {
  const chunk = (kind, body) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    const tail = Buffer.alloc(4);
    const sum = crc(Buffer.concat([Buffer.from(kind), body]));
    tail.writeUInt32BE(sum);
    return Buffer.concat([head, Buffer.from(kind), body, tail]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const pixel = [red % 256, green % 256, blue % 256];
  const row = Buffer.from([0, ...Array.from({ length: width }, () => pixel).flat()]);
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A file with these bytes. */
function file(bytes, name = 'file.png') {
  files += 1;
  const at = path.join(folder, String(files));
  fs.mkdirSync(at);
  fs.writeFileSync(path.join(at, name), bytes);
  return path.join(at, name);
}

const dataUri = (bytes) => `data:image/png;base64,${bytes.toString('base64')}`;
const upload = (publicId, options = {}, bytes = png()) => uploader.upload(dataUri(bytes), { public_id: publicId, ...options });
const ids = (resources) => resources.map((resource) => resource.public_id);
const url = (publicId, options = {}) => cloudinary.url(publicId, { cname: edge, secure: false, urlAnalytics: false, ...options });

async function get(address) {
  const reply = await fetch(address);
  return { status: reply.status, headers: reply.headers, body: Buffer.from(await reply.arrayBuffer()) };
}

const cacheStatus = (reply) => (reply.headers.get('server-timing').includes('desc=hit') ? 'hit' : 'miss');

async function until(condition, what, patience = 20_000) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await condition();
    if (found) return found;
    assert(Date.now() < end, `${what}: not within ${patience} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** Uploads `count` pictures, several at a time. */
async function many(prefix, count, options = {}) {
  const names = Array.from({ length: count }, (_, number) => `${prefix}${String(number).padStart(4, '0')}`);
  const waiting = names.map((name, number) => [name, number]);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await upload(next[0], { ...options }, png(next[1]));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return names;
}

/** Follows the cursor to the end. */
async function pages(ask, options) {
  const found = [];
  let cursor;
  do {
    const reply = await ask(cursor ? { ...options, next_cursor: cursor } : { ...options });
    found.push(reply.resources);
    cursor = reply.next_cursor;
  } while (cursor);
  return found;
}

/** Refused with this status and text; the Admin API's errors are one level deeper. */
async function refused(call, status, text) {
  await assert.rejects(call, (thrown) => {
    const error = thrown.error ?? thrown;
    assert.equal(error.http_code, status, error.message);
    assert.match(error.message, text);
    return true;
  });
}

const groups = {
  /** An empty cloud with backups and bulk invalidation. */
  everyday() {
    before(async () => {
      // the address of an edge is learnt from a reply, as everybody learns it
      edge = new URL((await upload('first/one')).url).host;
    });

    test('upload takes files, streams and data URIs', async () => {
      const body = png(1, 2, 3);
      const byPath = await uploader.upload(file(body, 'summer.png'), {
        public_id: 'up/path', tags: ['a', 'b'], context: { alt: 'x=y|z' },
      });
      const byUri = await upload('up/uri', {}, body);
      const byStream = await new Promise((resolve, reject) => {
        const stream = uploader.upload_stream({ public_id: 'up/stream' }, (error, result) => (error ? reject(error) : resolve(result)));
        stream.end(body);
      });
      for (const reply of [byPath, byUri, byStream]) {
        assert.deepEqual([reply.width, reply.height, reply.format, reply.bytes], [8, 6, 'png', body.length]);
        assert.equal(reply.etag, byPath.etag);
        assert.deepEqual((await get(reply.url)).body, body);
        assert(cloudinary.utils.verify_api_response_signature(reply.public_id, reply.version, reply.signature));
      }
      assert.deepEqual([byPath.tags, byPath.context.custom, byPath.original_filename], [['a', 'b'], { alt: 'x=y|z' }, 'summer']);
      const raw = await uploader.upload(file('a,b\n', 'one.csv'), { resource_type: 'raw', use_filename: true, unique_filename: false });
      assert.equal(raw.public_id, 'one.csv');
      const auto = await uploader.upload(file('words', 'words.txt'), { resource_type: 'auto' });
      assert.equal(auto.resource_type, 'raw');
    });

    test('upload overwrites or not', async () => {
      const first = await upload('over/x');
      const same = await upload('over/x', { overwrite: false }, png(2));
      assert.deepEqual([same.existing, same.etag, same.version], [true, first.etag, first.version]);
      const second = await upload('over/x', { invalidate: true }, png(3));
      assert.equal(second.asset_id, first.asset_id);
      assert(second.version > first.version);
    });

    test('upload in chunks', async () => {
      const body = Buffer.alloc(12 * 1024 * 1024, 'chunks of a large file ');
      const large = await new Promise((resolve, reject) => {
        uploader.upload_large(file(body, 'blob.bin'), {
          resource_type: 'raw', public_id: 'large/blob.bin', chunk_size: 5 * 1024 * 1024,
        }, (error, result) => (error ? reject(error) : resolve(result)));
      });
      assert.deepEqual([large.public_id, large.bytes], ['large/blob.bin', body.length]);
      assert((await get(large.url)).body.equals(body));
      const stream = await new Promise((resolve, reject) => {
        const chunked = uploader.upload_chunked_stream({ resource_type: 'image', public_id: 'large/picture', chunk_size: 6_000_000 }, (error, result) => (error ? reject(error) : resolve(result)));
        fs.createReadStream(file(Buffer.concat([png(), Buffer.alloc(12_000_000 - png().length)]))).pipe(chunked);
      });
      assert.deepEqual([stream.public_id, stream.bytes, stream.format], ['large/picture', 12_000_000, 'png']);
    });

    test('detail lists variants and versions', async () => {
      await upload('detail/x');
      const newest = await upload('detail/x', { tags: ['t'], eager: [{ width: 4, crop: 'scale' }] }, png(2));
      assert.equal(newest.eager[0].width, 4);
      for (const width of [1, 2]) {
        assert.equal((await get(url('detail/x', { width, crop: 'scale', format: 'png' }))).status, 200);
      }
      const detail = await api.resource('detail/x', { versions: true, colors: true });
      assert.deepEqual(detail.derived.map((one) => one.transformation).sort(), ['c_scale,w_1', 'c_scale,w_2', 'c_scale,w_4']);
      assert.deepEqual([detail.versions.length, detail.tags, detail.etag], [2, ['t'], newest.etag]);
      assert.equal((await api.resource_by_asset_id(newest.asset_id)).public_id, 'detail/x');
      const few = await api.resource('detail/x', { max_results: 2 });
      const rest = await api.resource('detail/x', { max_results: 2, derived_next_cursor: few.next_cursor });
      assert.deepEqual([few.derived.length, rest.derived.length], [2, 1]);
      await refused(() => api.resource('detail/none'), 404, /Resource not found - detail\/none/);
    });

    test('lists by ids, asset ids, tag, prefix, folder, context and age', async () => {
      const made = [];
      for (let n = 0; n < 4; n += 1) made.push(await upload(`list/${n}`, { tags: [n % 2 ? 'odd' : 'even', 'listed'], context: { n } }, png(n)));
      const names = ['list/0', 'list/1', 'list/2', 'list/3'];
      assert.deepEqual(ids((await api.resources_by_ids(['list/1', 'list/none', 'list/3'], { tags: true })).resources).sort(), ['list/1', 'list/3']);
      assert.deepEqual(ids((await api.resources_by_ids('list/2')).resources), ['list/2']);
      assert.deepEqual(ids((await api.resources_by_asset_ids([made[0].asset_id, made[2].asset_id])).resources).sort(), ['list/0', 'list/2']);
      const even = (await api.resources_by_tag('even', { tags: true, context: true })).resources;
      assert.deepEqual([ids(even), even[0].tags], [['list/2', 'list/0'], ['even', 'listed']]);
      assert.deepEqual(ids((await api.resources({ type: 'upload', prefix: 'list/' })).resources), names);
      assert.deepEqual(ids((await api.resources_by_asset_folder('list')).resources).sort(), names);
      assert.deepEqual(ids((await api.resources_by_context('n', '3')).resources), ['list/3']);
      assert.deepEqual(ids((await api.resources_by_tag('listed', { direction: 'asc' })).resources), names);
      assert.deepEqual(ids((await api.resources_by_tag('listed', { direction: 1 })).resources), names);
      assert.deepEqual(ids((await api.resources_by_tag('listed', { direction: -1 })).resources), [...names].reverse());
      const since = await api.resources({ type: 'upload', start_at: new Date(Date.UTC(2020, 0, 1)), max_results: 500 });
      assert(ids(since.resources).includes('list/0'));
      assert.deepEqual((await api.resources({ start_at: new Date(Date.UTC(2099, 0, 1)) })).resources, []);
      const only = (await api.resources({ type: 'upload', prefix: 'list/', fields: 'bytes,tags' })).resources[0];
      assert.deepEqual(Object.keys(only).sort(), ['asset_id', 'bytes', 'public_id', 'resource_type', 'tags', 'type']);
      assert((await api.tags({ prefix: 'li' })).tags.includes('listed'));
      await upload('list/moderated', { moderation: 'manual' });
      assert.deepEqual(ids((await api.resources_by_moderation('manual', 'pending')).resources), ['list/moderated']);
    });

    test('rename', async () => {
      const made = await upload('ren/a', { eager: [{ width: 3, crop: 'scale' }] });
      const renamed = await uploader.rename('ren/a', 'ren/b', { invalidate: true });
      assert.deepEqual([renamed.public_id, renamed.asset_id], ['ren/b', made.asset_id]);
      assert.deepEqual((await api.resource('ren/b')).derived, []);
      await refused(() => api.resource('ren/a'), 404, /ren\/a/);
      await upload('ren/c', {}, png(2));
      await refused(() => uploader.rename('ren/b', 'ren/c'), 400, /ren\/c already exists/);
      const over = await uploader.rename('ren/b', 'ren/c', { overwrite: true });
      assert.deepEqual([over.asset_id, over.etag], [made.asset_id, made.etag]);
      await refused(() => uploader.rename('ren/none', 'ren/d'), 404, /Resource not found - ren\/none/);
      assert.equal((await uploader.rename('ren/c', 'ren/c', { to_type: 'authenticated' })).type, 'authenticated');
    });

    test('destroy and delete', async () => {
      const made = await upload('gone/a');
      await get(made.url);
      assert.equal((await uploader.destroy('gone/a', { invalidate: true })).result, 'ok');
      assert.equal((await uploader.destroy('gone/a', { invalidate: true })).result, 'not found');
      await until(async () => (await get(made.url)).status === 404, 'the edge lets go');

      await upload('del/a', { eager: [{ width: 2, crop: 'scale' }] });
      const other = await upload('del/b');
      const reply = await api.delete_resources(['del/a', 'del/nope'], { invalidate: true });
      assert.deepEqual(reply.deleted, { 'del/a': 'deleted', 'del/nope': 'not_found' });
      assert.deepEqual(reply.deleted_counts['del/a'], { original: 1, derived: 1 });
      assert.equal(reply.partial, false);
      assert.deepEqual(Object.values((await api.delete_resources_by_asset_ids([other.asset_id])).deleted), ['deleted']);
      await refused(() => api.delete_resources(Array.from({ length: 101 }, (_, n) => `del/${n}`)), 400, /public_ids/);

      await many('bytag/', 3, { tags: 'doomed' });
      assert.equal(Object.keys((await api.delete_resources_by_tag('doomed')).deleted).length, 3);

      await upload('der/a', { eager: [1, 2, 3].map((width) => ({ width, crop: 'scale' })) });
      const { derived } = await api.resource('der/a');
      assert.deepEqual((await api.delete_derived_resources([derived[0].id])).deleted, { [derived[0].id]: 'deleted' });
      await api.delete_derived_by_transformation(['der/a'], [{ width: 2, crop: 'scale' }], { invalidate: true });
      assert.deepEqual((await api.resource('der/a')).derived.length, 1);
      await api.delete_resources(['der/a'], { keep_original: true });
      assert.deepEqual((await api.resource('der/a')).derived, []);
    });

    test('tags and context', async () => {
      await upload('tags/1', { tags: 'start' });
      await upload('tags/2', { tags: 'start' });
      const both = ['tags/1', 'tags/2'];
      assert.deepEqual((await uploader.add_tag('new', both)).public_ids.sort(), both);
      assert.deepEqual((await api.resource('tags/1')).tags, ['start', 'new']);
      await uploader.remove_tag('start', ['tags/1']);
      await uploader.replace_tag('only', ['tags/2']);
      assert.deepEqual([(await api.resource('tags/1')).tags, (await api.resource('tags/2')).tags], [['new'], ['only']]);
      assert.deepEqual(ids((await api.resources_by_tag('only')).resources), ['tags/2']);
      await uploader.remove_all_tags(both);
      await uploader.add_context({ alt: 'a=b|c' }, both);
      assert.deepEqual((await api.resource('tags/1')).context.custom, { alt: 'a=b|c' });
      await uploader.remove_all_context(both);
      assert.equal((await api.resource('tags/1')).context, undefined);
    });

    test('explicit with invalidate makes the edge ask again', async () => {
      const made = await upload('purge/me', { tags: 'kept' }, png(9));
      await get(made.url);
      assert.equal(cacheStatus(await get(made.url)), 'hit');
      const purged = await uploader.explicit('purge/me', { type: 'upload', invalidate: true });
      assert.deepEqual([purged.version, purged.tags], [made.version, ['kept']]);
      await until(async () => cacheStatus(await get(made.url)) === 'miss', 'a refetch');
      assert.equal(cacheStatus(await get(made.url)), 'hit');
      await refused(() => uploader.explicit('purge/none', { type: 'upload', invalidate: true }), 404, /purge\/none/);
    });

    test('update and restore', async () => {
      const made = await upload('undo/x');
      const updated = await api.update('undo/x', { tags: ['a', 'b'], context: 'k=v', display_name: 'Shown', asset_folder: 'else' });
      assert.deepEqual([updated.tags, updated.asset_folder], [['a', 'b'], 'else']);
      assert.equal((await api.resource('undo/x')).context.custom.k, 'v');
      await upload('undo/x', {}, png(2));
      await uploader.destroy('undo/x');
      const left = await api.resource('undo/x', { versions: true });
      assert.deepEqual([left.bytes, left.placeholder, left.versions.length], [0, true, 2]);
      const back = await api.restore(['undo/x', 'undo/none']);
      assert.deepEqual([back['undo/x'].asset_id, back['undo/none']], [made.asset_id, { error: 'no_backup' }]);
      const oldest = [...left.versions].sort((a, b) => Number(a.version) - Number(b.version))[0];
      assert.equal((await api.restore(['undo/x'], { versions: [oldest.version_id] }))['undo/x'].etag, made.etag);
      await uploader.destroy('undo/x');
      await api.restore_by_asset_ids(made.asset_id);
      assert.equal((await api.resource('undo/x')).etag, made.etag);
    });

    test('folders', async () => {
      assert.equal((await api.create_folder('fold/er')).success, true);
      assert((await api.root_folders()).folders.some((one) => one.path === 'fold'));
      assert.deepEqual((await api.sub_folders('fold')).folders.map((one) => one.name), ['er']);
      assert.equal((await api.rename_folder('fold/er', 'fold/new')).to.path, 'fold/new');
      await upload('in-folder', { asset_folder: 'fold/new' });
      await refused(() => api.delete_folder('fold/new'), 400, /./);
      await uploader.destroy('in-folder');
      assert.deepEqual((await api.delete_folder('fold')).deleted.sort(), ['fold', 'fold/new']);
      await refused(() => api.sub_folders('fold'), 404, /Can't find folder with path fold/);
    });

    test('search', async () => {
      await many('find/', 12, { tags: ['found'] });
      const seen = [];
      let cursor;
      do {
        let search = cloudinary.search.expression('tags=found AND resource_type:image').sort_by('public_id', 'asc').max_results(5);
        if (cursor) search = search.next_cursor(cursor);
        const reply = await search.execute();
        assert.equal(reply.total_count, 12);
        assert(reply.rate_limit_remaining > 0);
        seen.push(...ids(reply.resources));
        cursor = reply.next_cursor;
      } while (cursor);
      assert.deepEqual(seen, Array.from({ length: 12 }, (_, n) => `find/${String(n).padStart(4, '0')}`));
      const shown = await cloudinary.search.expression('tags=found').with_field('tags').aggregate('format').execute();
      assert.deepEqual([shown.resources[0].tags, shown.aggregations.format], [['found'], { png: 12 }]);
      await refused(() => cloudinary.search.expression('width:(').execute(), 400, /./);
      const address = cloudinary.search.expression('tags=found').max_results(2).to_url(60, undefined, { cname: edge, secure: false, private_cdn: false });
      const { status, body } = await get(address);
      assert.equal(status, 200, address);
      assert.equal(JSON.parse(body).resources.length, 2);
    });

    test('account', async () => {
      const pong = await api.ping();
      assert.equal(pong.status, 'ok');
      assert.equal(pong.rate_limit_allowed, 2000);
      assert.equal(pong.rate_limit_reset_at.getUTCMinutes(), 0);
      assert.equal((await api.config({ settings: true })).settings.folder_mode, 'dynamic');
      assert((await api.usage()).resources > 0);
      assert.equal((await api.usage({ date: '2020-01-31' })).resources, 0);
      assert.deepEqual((await api.resource_types()).resource_types, ['image', 'video', 'raw']);
    });

    test('errors', async () => {
      await refused(() => uploader.destroy('x', { api_secret: 'wrong' }), 401, /Invalid Signature .* String to sign - 'public_id=x&timestamp=/);
      await refused(() => api.ping({ api_secret: 'wrong' }), 401, /api_secret mismatch/);
      await refused(() => api.ping({ cloud_name: 'someone-else' }), 401, /cloud_name mismatch/);
      await refused(() => upload('late', { timestamp: Math.floor(Date.now() / 1000) - 3700 }), 400, /Stale request/);
      await refused(() => uploader.destroy(''), 400, /Missing required parameter - public_id/);
      await refused(() => uploader.upload(file('no picture')), 400, /Invalid image file/);
      await refused(() => uploader.unsigned_upload(dataUri(png()), 'no-such-preset'), 400, /Upload preset/);
      await refused(() => upload('a?b'), 400, /public_id/);
      for (const signed of [{ signature_algorithm: 'sha256' }, { signature_version: 1 }]) {
        assert.equal((await uploader.destroy('a=1&b=2', signed)).result, 'not found');
      }
      for (const ask of [api.transformations, api.upload_presets, api.triggers, api.list_metadata_fields].filter(Boolean)) {
        await refused(() => ask(), 404, /./);
      }
      await refused(() => uploader.create_zip({ tags: 'x' }), 404, /./);
      await refused(() => uploader.text('x'), 404, /./);
    });

    test('URLs of the builder are delivered', async () => {
      await upload('press/kit/hero', {}, png(11, 20, 30, 40, 30));
      await upload('root', {}, png(12));
      await upload('été 2026/a(b)', {}, png(13));
      await upload('press/secret', { type: 'private' }, png(14));
      await upload('press/members', { type: 'authenticated' }, png(15));
      const signed = { sign_url: true };
      const addresses = [
        url('root.png'),
        url('press/kit/hero.png'),
        url('press/kit/hero.png', { version: 1 }),
        url('press/kit/hero.png', { force_version: false }),
        url('press/kit/hero.png', { width: 10, crop: 'scale' }),
        url('press/kit/hero', { transformation: [{ width: 10, height: 10, crop: 'fill' }, { quality: 50 }], format: 'jpg' }),
        url('press/kit/hero.png', { fetch_format: 'auto', quality: 'auto' }),
        url('press/kit/hero', { url_suffix: 'spring', format: 'png' }),
        url('press/kit/hero.png', { shorten: true }),
        url('press/kit/hero.png', { use_root_path: true }),
        url('press/kit/hero.png', { urlAnalytics: true }),
        url('été 2026/a(b).png'),
        url('été 2026/a(b).png', { ...signed }),
        url('press/kit/hero.png', { ...signed }),
        url('press/kit/hero.png', { ...signed, long_url_signature: true }),
        url('press/kit/hero.png', { ...signed, width: 9, crop: 'scale' }),
        url('press/secret.png', { ...signed, type: 'private' }),
        url('press/members.png', { ...signed, type: 'authenticated', width: 5, crop: 'scale' }),
      ];
      for (const address of addresses) {
        const { status, headers } = await get(address);
        assert.equal(status, 200, `${address}: ${headers.get('x-cld-error')}`);
      }
      assert.equal((await get(url('press/secret.png', { type: 'private' }))).status, 401);
      assert.equal((await get(url('press/members.png', { type: 'authenticated' }))).status, 401);
      for (const address of addresses.slice(12)) {
        const at = address.indexOf('s--') + 3;
        const tampered = address.slice(0, at) + (address[at] === 'A' ? 'B' : 'A') + address.slice(at + 1);
        assert.equal((await get(tampered)).status, 401, tampered);
      }
    });
  },

  /** An empty cloud that this group has for itself. */
  large() {
    test('more than a thousand', async () => {
      const names = await many('bulk/', 1201, { tags: 'bulk' });
      const prefixed = await pages((options) => api.resources(options), { type: 'upload', prefix: 'bulk/', max_results: 500 });
      assert.deepEqual(prefixed.map((page) => page.length), [500, 500, 201]);
      assert.deepEqual(prefixed.flatMap(ids), names);
      const asks = [
        (options) => api.resources(options),
        (options) => api.resources_by_tag('bulk', options),
        (options) => api.resources_by_asset_folder('bulk', options),
      ];
      for (const ask of asks) {
        const listed = await pages(ask, { max_results: 500 });
        assert.deepEqual(listed.map((page) => page.length), [500, 500, 201]);
        assert.deepEqual(listed.flatMap(ids).sort(), names);
      }
      const first = await api.delete_resources_by_prefix('bulk/');
      assert.deepEqual([Object.keys(first.deleted).length, first.partial], [1000, true]);
      const second = await api.delete_resources_by_prefix('bulk/', { next_cursor: first.next_cursor });
      assert.deepEqual([Object.keys(second.deleted).length, second.partial, second.next_cursor], [201, false, undefined]);
      await many('again/', 3);
      assert.equal(Object.keys((await api.delete_all_resources()).deleted).length, 3);
      assert.deepEqual((await api.resources()).resources, []);
    });
  },

  /** A cloud with `--admin-quota 2`, which answers 420 or 429 from then on. */
  spent() {
    test('the hour is used up', async () => {
      await api.ping();
      assert.equal((await api.ping()).rate_limit_remaining, 0);
      await refused(() => api.ping(), 420, /Rate Limit Exceeded\. Limit of 2 api operations reached\. Try again on [-\d]+ \d\d:00:00 UTC/);
      await refused(() => cloudinary.search.expression('x').execute(), 420, /Rate Limit Exceeded/);
      assert.equal((await upload('still')).public_id, 'still');
    });
  },
};

groups[process.argv[2]]();
