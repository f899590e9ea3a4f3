// The newest official JavaScript SDK, which sends JSON, signs with SHA-256 and checks every answer against its own
// model of the service. It reads CLOUDINARY_URL; the address of the server is the `upload_prefix` in it.
//
// `node asset_sdk.cjs` wants an empty cloud with backups and bulk invalidation. The Rust side starts it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { CloudinaryAssetMgmt } = require('@cloudinary/asset-management');

const serverURL = new URL(process.env.CLOUDINARY_URL).searchParams.get('upload_prefix');
const cloud = new CloudinaryAssetMgmt({ serverURL, cloudName: new URL(process.env.CLOUDINARY_URL).host });

const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNQMP7+HwAEUgJhbBMGQwAAAABJRU5ErkJggg==';
const file = `data:image/png;base64,${DOT}`;

const upload = (publicId, more = {}) => cloud.upload.upload('image', { file, publicId, ...more });
const ids = (reply) => reply.resources.map((one) => one.publicId);

async function refused(call, status, text) {
  await assert.rejects(call, (error) => {
    assert.equal(error.statusCode, status, String(error));
    assert.match(error.body ?? error.message, text);
    return true;
  });
}

test('upload in JSON, by data URI, by file and in chunks', async () => {
  const made = await upload('js/one', { tags: 'a,b', context: 'k=v', assetFolder: 'else' });
  assert.deepEqual([made.publicId, made.format, made.width, made.tags], ['js/one', 'png', 1, ['a', 'b']]);
  assert.equal((await cloud.assets.getResourceByAssetId(made.assetId)).assetFolder, 'else');
  assert.equal((await fetch(made.url)).status, 200);
  const at = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'allclear-js-')), 'dot.png');
  fs.writeFileSync(at, Buffer.from(DOT, 'base64'));
  const byFile = await cloud.upload.upload('auto', { file: `file://${at}`, publicId: 'js/two' });
  fs.rmSync(path.dirname(at), { recursive: true });
  const withoutType = await cloud.upload.uploadNoResourceType({ file, publicId: 'js/three' });
  assert.deepEqual([byFile.etag, withoutType.etag], [made.etag, made.etag]);

  const blob = Buffer.alloc(12_000_000, 'large ');
  const step = 6_000_000;
  const part = (from) => ({ file: `data:application/octet-stream;base64,${blob.subarray(from, from + step).toString('base64')}`, publicId: 'js/blob.bin' });
  const first = await cloud.upload.uploadChunk('raw', `bytes 0-${step - 1}/${blob.length}`, 'one-upload', part(0));
  assert.equal(first.done, false);
  const last = await cloud.upload.uploadChunk('raw', `bytes ${step}-${blob.length - 1}/${blob.length}`, 'one-upload', part(step));
  assert.equal(last.bytes, blob.length);
});

test('lists with the type as a parameter', async () => {
  for (const name of ['p', 'q', 'r']) await upload(`js/list/${name}`, { tags: 'js-list' });
  assert.deepEqual(ids(await cloud.assets.listImages('upload', 'js/list/')), ['js/list/p', 'js/list/q', 'js/list/r']);
  assert.deepEqual(ids(await cloud.assets.listImages('upload', undefined, ['js/list/p', 'js/list/r'])).sort(), ['js/list/p', 'js/list/r']);
  const page = await cloud.assets.listImages('upload', 'js/list/', undefined, true, undefined, 2);
  assert.deepEqual(page.resources[0].tags, ['js-list']);
  assert.deepEqual(ids(await cloud.assets.listImages('upload', 'js/list/', undefined, false, page.nextCursor, 2)), ['js/list/r']);
  const since = await cloud.assets.listImages('upload', undefined, undefined, false, undefined, 500, 'asc', new Date(Date.UTC(2020, 0, 1)));
  assert(ids(since).includes('js/list/p'));
  const inFolder = await cloud.assets.listResourcesByAssetFolder('js/list');
  assert.equal(inFolder.resources.length, 3);
  const assetIds = inFolder.resources.map((one) => one.assetId);
  assert.equal((await cloud.assets.listResourcesByAssetIDs(assetIds.slice(1))).resources.length, 2);
  assert.deepEqual((await cloud.tags.listResourceTags('image', 'js-')).tags, ['js-list']);
  assert.deepEqual((await cloud.assets.listVideos()).resources, []);
  assert.deepEqual((await cloud.assets.listResourceTypes({})).resourceTypes, ['image', 'video', 'raw']);
  await upload('js/moderated', { moderation: 'manual' });
  assert.deepEqual(ids(await cloud.assets.listResourcesByModerationKindAndStatus('image', 'manual', 'pending')), ['js/moderated']);
});

test('detail and update by name and by ID, which it signs', async () => {
  const made = await upload('js/detail');
  const detail = await cloud.assets.getResourceByPublicId('image', 'upload', 'js/detail');
  assert.deepEqual([detail.assetId, detail.etag], [made.assetId, made.etag]);
  assert.equal((await cloud.assets.getResourceByAssetId(made.assetId)).publicId, 'js/detail');
  const updated = await cloud.assets.updateResourceByPublicId('image', 'upload', 'js/detail', { tags: 'x,y', displayName: 'Shown' });
  assert.deepEqual([updated.tags, updated.displayName], [['x', 'y'], 'Shown']);
  const moved = await cloud.assets.updateResourceByAssetId(made.assetId, { assetFolder: 'moved', context: 'alt=a word' });
  assert.deepEqual([moved.assetFolder, moved.context.custom], ['moved', { alt: 'a word' }]);
  await refused(() => cloud.assets.getResourceByPublicId('image', 'upload', 'js/none'), 404, /Resource not found - js\/none/);
});

test('explicit, rename and destroy', async () => {
  const made = await upload('js/ren');
  const purged = await cloud.assets.explicitAsset('image', { publicId: 'js/ren', type: 'upload', invalidate: true });
  assert.equal(purged.version, made.version);
  const renamed = await cloud.assets.renameAsset('image', { fromPublicId: 'js/ren', toPublicId: 'js/ren2', invalidate: true });
  assert.deepEqual([renamed.publicId, renamed.assetId], ['js/ren2', made.assetId]);
  await upload('js/ren3');
  await refused(() => cloud.assets.renameAsset('image', { fromPublicId: 'js/ren2', toPublicId: 'js/ren3' }), 400, /js\/ren3 already exists/);
  await refused(() => cloud.assets.renameAsset('image', { fromPublicId: 'js/none', toPublicId: 'js/x' }), 404, /js\/none/);
  assert.equal((await cloud.upload.destroyAsset('image', 'js/ren2', true)).result, 'ok');
  // its model of this one call knows no `not found`, which the service answers
  await assert.rejects(() => cloud.upload.destroyAsset('image', 'js/ren2', true), { name: 'ResponseValidationError' });
  const third = await cloud.assets.getResourceByPublicId('image', 'upload', 'js/ren3');
  assert.equal((await cloud.assets.destroyByAssetId({ assetId: third.assetId, invalidate: true })).result, 'ok');
  assert.equal((await cloud.assets.destroyByAssetId({ assetId: third.assetId, invalidate: true })).result, 'not found');
});

test('delete many and restore', async () => {
  const made = await upload('js/del/a', { eager: 'c_scale,w_1' });
  await upload('js/del/b');
  // its model of the reply is empty
  await cloud.assets.deleteResourcesByPublicId('image', 'upload', { publicIds: ['js/del/a', 'js/nope'] });
  assert.deepEqual(ids(await cloud.assets.listImages('upload', 'js/del/')), ['js/del/b']);
  await cloud.assets.deleteResourcesByPublicId('image', 'upload', { prefix: 'js/del/' });
  assert.deepEqual(ids(await cloud.assets.listImages('upload', 'js/del/')), []);
  const back = await cloud.assets.restoreResourcesByAssetIDs({ assetIds: [made.assetId] });
  assert.equal(Object.keys(back).length, 1);
  assert.equal((await cloud.assets.getResourceByAssetId(made.assetId)).bytes, made.bytes);
});

test('folders, search and usage', async () => {
  assert.equal((await cloud.folders.createFolder('js-folder/sub')).path, 'js-folder/sub');
  assert((await cloud.folders.listRootFolders({})).folders.some((one) => one.path === 'js-folder'));
  assert.deepEqual((await cloud.folders.showFolder('js-folder')).folders.map((one) => one.name), ['sub']);
  assert.equal((await cloud.folders.updateFolder('js-folder/sub', { toFolder: 'js-folder/new' })).to.path, 'js-folder/new');
  assert.deepEqual((await cloud.folders.destroyFolder('js-folder')).deleted.length, 2);
  await refused(() => cloud.folders.showFolder('js-folder'), 404, /Can't find folder with path js-folder/);
  await upload('js/find/1', { tags: 'js-found' });
  const found = await cloud.search.searchAssets({ expression: 'tags=js-found', withField: ['tags'], sortBy: ['created_at', 'public_id:asc'], maxResults: 5 });
  assert.deepEqual([found.totalCount, found.resources[0].tags], [1, ['js-found']]);
  assert((await cloud.usage.getUsage()).resources > 0);
});

test('a wrong secret is refused', async () => {
  const stranger = new CloudinaryAssetMgmt({
    serverURL, cloudName: 'demo', security: { cloudinaryAuth: { apiKey: new URL(process.env.CLOUDINARY_URL).username, apiSecret: 'wrong' } },
  });
  await refused(() => stranger.upload.destroyAsset('image', 'x', true), 401, /Invalid Signature/);
  await refused(() => stranger.usage.getUsage(), 401, /api_secret mismatch/);
});
