"""The official Python SDK against the local cloud, unchanged: all that it is told is CLOUDINARY_URL.

`python3 python_sdk.py CLASS`; each class says which cloud it wants. The Rust side starts that cloud.
"""

import base64
import io
import struct
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import cloudinary
from cloudinary import api, uploader, utils
from cloudinary.exceptions import AuthorizationRequired, BadRequest, Error, NotFound, RateLimited
from cloudinary.search import Search

WORKERS = 8


def png(red=10, green=20, blue=30, width=8, height=6):
    """A picture of one colour."""
    row = b"\0" + bytes((red % 256, green % 256, blue % 256)) * width

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b"")


def fetch(url):
    """Status, headers and body of a plain GET, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def until(condition, what, patience=20.0):
    """Waits for a condition; answers what it answered."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {patience} s")


def cache_status(headers):
    return "hit" if "desc=hit" in headers["server-timing"] else "miss"


def many(prefix, count, **options):
    """Uploads `count` pictures, several at a time."""

    def one(number):
        return uploader.upload(png(number), public_id=f"{prefix}{number:04}", **options)["public_id"]

    with ThreadPoolExecutor(WORKERS) as pool:
        return sorted(pool.map(one, range(count)))


def pages(ask, **options):
    """Follows the cursor to the end; answers the pages."""
    found, cursor = [], None
    while True:
        reply = ask(**options, **({"next_cursor": cursor} if cursor else {}))
        found.append(reply["resources"])
        cursor = reply.get("next_cursor")
        if not cursor:
            return found


def ids(resources):
    return [resource["public_id"] for resource in resources]


class Everyday(unittest.TestCase):
    """An empty cloud with backups and bulk invalidation."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # the address of an edge is learnt from a reply, as everybody learns it
        first = uploader.upload(png(), public_id="first/one")
        cls.edge = urllib.parse.urlsplit(first["url"]).netloc

    def url(self, public_id, **options):
        """What the SDK's own builder makes, at the edge."""
        return utils.cloudinary_url(public_id, cname=self.edge, secure=False, **options)[0]

    # ---- upload

    def test_upload_takes_files_streams_bytes_and_data_uris(self):
        body = png(1, 2, 3)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(body)
            file.flush()
            by_path = uploader.upload(file.name, public_id="up/path", tags=["a", "b"], context={"alt": "x=y|z"})
        by_stream = uploader.upload(io.BytesIO(body), public_id="up/stream", filename="named.png")
        by_bytes = uploader.upload(body, public_id="up/bytes")
        uri = "data:image/png;base64," + base64.b64encode(body).decode()
        by_uri = uploader.upload(uri, public_id="up/uri")
        for reply in (by_path, by_stream, by_bytes, by_uri):
            self.assertEqual((reply["width"], reply["height"], reply["format"], reply["bytes"]), (8, 6, "png", len(body)))
            self.assertEqual(reply["etag"], by_path["etag"])
            self.assertEqual((reply["resource_type"], reply["type"]), ("image", "upload"))
            self.assertEqual(fetch(reply["url"])[2], body)
            self.assertTrue(utils.verify_api_response_signature(reply["public_id"], reply["version"], reply["signature"]))
            self.assertTrue(reply["request_id"])
        self.assertEqual(by_path["tags"], ["a", "b"])
        self.assertEqual(by_path["context"]["custom"], {"alt": "x=y|z"})
        self.assertEqual(by_stream["original_filename"], "named")
        self.assertEqual((by_path["asset_folder"], by_path["display_name"]), ("up", "path"))

    def test_upload_names_raw_and_random(self):
        raw = uploader.upload(b"a,b\n1,2\n", public_id="tables/one.csv", resource_type="raw")
        self.assertEqual((raw["public_id"], raw["resource_type"]), ("tables/one.csv", "raw"))
        self.assertNotIn("width", raw)
        auto = uploader.upload(io.BytesIO(b"plain words"), resource_type="auto", filename="words.txt")
        self.assertEqual(auto["resource_type"], "raw")
        self.assertTrue(auto["public_id"].endswith(".txt"))
        random = uploader.upload(png(4))
        self.assertRegex(random["public_id"], r"^[a-z0-9]{20}$")
        named = uploader.upload(io.BytesIO(png(5)), filename="Spring Sale.png", use_filename=True, unique_filename=False, folder="shop")
        self.assertEqual(named["public_id"], "shop/Spring_Sale")
        strange = uploader.upload(png(6), public_id="straße/été 2026 (a)")
        self.assertEqual(strange["public_id"], "straße/été 2026 (a)")
        self.assertEqual(api.resource("straße/été 2026 (a)")["asset_id"], strange["asset_id"])
        self.assertEqual(fetch(self.url("straße/été 2026 (a)", format="png"))[0], 200)

    def test_upload_overwrites_or_not(self):
        first = uploader.upload(png(1), public_id="over/x", tags="keep")
        same = uploader.upload(png(2), public_id="over/x", overwrite=False)
        self.assertTrue(same["existing"])
        self.assertEqual((same["etag"], same["version"]), (first["etag"], first["version"]))
        second = uploader.upload(png(3), public_id="over/x", invalidate=True)
        self.assertEqual(second["asset_id"], first["asset_id"])
        self.assertGreater(second["version"], first["version"])
        self.assertNotEqual(second["etag"], first["etag"])

    def test_upload_large_in_chunks(self):
        body = bytes(range(256)) * (12 * 4096)  # 12 MiB
        large = uploader.upload_large(io.BytesIO(body), public_id="large/blob.bin", chunk_size=5 * 1024 * 1024)
        self.assertEqual((large["public_id"], large["bytes"], large["resource_type"]), ("large/blob.bin", len(body), "raw"))
        self.assertEqual(fetch(large["url"])[2], body)
        picture = png() + bytes(11_000_000)
        large = uploader.upload_large(io.BytesIO(picture), resource_type="image", chunk_size=6_000_000, filename="big.png")
        self.assertEqual((large["bytes"], large["format"]), (len(picture), "png"))

    def test_upload_makes_eager_variants(self):
        eager = [{"width": 4, "crop": "scale"}, {"width": 2, "height": 2, "crop": "fill", "format": "jpg"}]
        reply = uploader.upload(png(7), public_id="eager/one", eager=eager)
        self.assertEqual([one["format"] for one in reply["eager"]], ["png", "jpg"])
        self.assertEqual(reply["eager"][0]["transformation"], "c_scale,w_4")
        for one in reply["eager"]:
            self.assertEqual(fetch(one["url"])[0], 200)
        self.assertEqual(len(api.resource("eager/one")["derived"]), 2)

    # ---- detail

    def test_detail_lists_variants_and_versions(self):
        uploader.upload(png(1), public_id="detail/x")
        newest = uploader.upload(png(2), public_id="detail/x", tags=["t"], context={"k": "v"})
        for width in (1, 2, 3):
            self.assertEqual(fetch(self.url("detail/x", width=width, crop="scale", format="png"))[0], 200)
        detail = api.resource("detail/x", versions=True, colors=True, faces=True, image_metadata=True)
        self.assertEqual((detail["etag"], detail["version"]), (newest["etag"], newest["version"]))
        self.assertEqual(sorted(one["transformation"] for one in detail["derived"]), ["c_scale,w_1", "c_scale,w_2", "c_scale,w_3"])
        for one in detail["derived"]:
            self.assertRegex(one["id"], "^[0-9a-f]{32}$")
        self.assertEqual(len(detail["versions"]), 2)
        self.assertTrue(all(version["restorable"] for version in detail["versions"]))
        self.assertEqual((detail["tags"], detail["context"]["custom"]), (["t"], {"k": "v"}))
        self.assertEqual(api.resource_by_asset_id(newest["asset_id"])["public_id"], "detail/x")
        few = api.resource("detail/x", max_results=2)
        rest = api.resource("detail/x", max_results=2, derived_next_cursor=few["next_cursor"])
        self.assertEqual((len(few["derived"]), len(rest["derived"])), (2, 1))
        self.assertNotIn("next_cursor", rest)
        with self.assertRaisesRegex(NotFound, "Resource not found - detail/none"):
            api.resource("detail/none")
        with self.assertRaises(NotFound):
            api.resource("detail/x", resource_type="raw")

    # ---- lists

    def test_lists_by_ids_asset_ids_tag_prefix_folder_and_context(self):
        made = [uploader.upload(png(n), public_id=f"list/{n}", tags=["even" if n % 2 == 0 else "odd", "listed"], context={"number": n, "group": "g"}) for n in range(6)]
        by_ids = api.resources_by_ids(["list/1", "list/3", "list/none"], tags=True)["resources"]
        self.assertEqual(sorted(ids(by_ids)), ["list/1", "list/3"])
        self.assertEqual(by_ids[0]["tags"], ["odd", "listed"])
        by_asset_ids = api.resources_by_asset_ids([made[0]["asset_id"], made[5]["asset_id"], "0" * 32])["resources"]
        self.assertEqual(sorted(ids(by_asset_ids)), ["list/0", "list/5"])
        even = api.resources_by_tag("even", tags=True, context=True)["resources"]
        self.assertEqual(sorted(ids(even)), ["list/0", "list/2", "list/4"])
        self.assertEqual(even[0]["context"]["custom"]["group"], "g")
        prefixed = api.resources(type="upload", prefix="list/")["resources"]
        self.assertEqual(ids(prefixed), [f"list/{n}" for n in range(6)])
        self.assertNotIn("tags", prefixed[0])
        in_folder = api.resources_by_asset_folder("list", max_results=50)["resources"]
        self.assertEqual(len(in_folder), 6)
        self.assertEqual(len(api.resources_by_context("group", max_results=50)["resources"]), 6)
        self.assertEqual(ids(api.resources_by_context("number", 3)["resources"]), ["list/3"])
        selective = api.resources(type="upload", prefix="list/", fields=["bytes", "tags"])["resources"][0]
        self.assertEqual(set(selective), {"asset_id", "public_id", "resource_type", "type", "bytes", "tags"})
        with self.assertRaises(BadRequest):
            api.resources_by_ids([f"list/{n}" for n in range(101)])

    def test_lists_by_age_in_both_directions(self):
        tag = "aged"
        for n in range(3):
            uploader.upload(png(n), public_id=f"age/{n}", tags=tag)
        self.assertEqual(ids(api.resources_by_tag(tag)["resources"]), ["age/2", "age/1", "age/0"])
        self.assertEqual(ids(api.resources_by_tag(tag, direction="asc")["resources"]), ["age/0", "age/1", "age/2"])
        self.assertEqual(ids(api.resources_by_tag(tag, direction=1)["resources"]), ["age/0", "age/1", "age/2"])
        self.assertEqual(ids(api.resources_by_tag(tag, direction=-1)["resources"]), ["age/2", "age/1", "age/0"])
        for past in ("2020-01-01", "2020-01-01 00:00:00", "2020-01-01 00:00:00 UTC", "2020-01-01T00:00:00Z", "Wed, 01 Jan 2020 00:00:00 GMT"):
            self.assertIn("age/0", ids(api.resources(type="upload", start_at=past, max_results=500)["resources"]), past)
        self.assertEqual(api.resources(start_at="2099-01-01")["resources"], [])
        with self.assertRaises(BadRequest):
            api.resources(start_at="once upon a time")

    def test_tags_are_listed_with_prefix_and_paging(self):
        uploader.upload(png(), public_id="tagged/one", tags=["zoo-a", "zoo-b", "zoo-c", "other"])
        self.assertEqual(api.tags(prefix="zoo-")["tags"], ["zoo-a", "zoo-b", "zoo-c"])
        page = api.tags(prefix="zoo-", max_results=2)
        self.assertEqual(page["tags"], ["zoo-a", "zoo-b"])
        self.assertEqual(api.tags(prefix="zoo-", max_results=2, next_cursor=page["next_cursor"])["tags"], ["zoo-c"])

    def test_moderation_is_listed(self):
        uploader.upload(png(), public_id="moderated/one", moderation="manual")
        self.assertIn("moderated/one", ids(api.resources_by_moderation("manual", "pending", moderations=True)["resources"]))
        api.update("moderated/one", moderation_status="approved")
        self.assertNotIn("moderated/one", ids(api.resources_by_moderation("manual", "pending")["resources"]))
        approved = api.resources_by_moderation("manual", "approved", moderations=True)["resources"]
        self.assertIn("moderated/one", ids(approved))
        self.assertEqual(approved[0]["moderation"][0]["kind"], "manual")

    # ---- rename

    def test_rename(self):
        made = uploader.upload(png(1), public_id="ren/a", tags="r")
        fetch(self.url("ren/a", width=3, crop="scale", format="png"))
        renamed = uploader.rename("ren/a", "ren/b", invalidate=True)
        self.assertEqual((renamed["public_id"], renamed["asset_id"]), ("ren/b", made["asset_id"]))
        self.assertEqual(api.resource("ren/b")["derived"], [])
        with self.assertRaises(NotFound):
            api.resource("ren/a")
        self.assertEqual(fetch(renamed["url"])[0], 200)

        uploader.upload(png(2), public_id="ren/c")
        with self.assertRaisesRegex(BadRequest, "ren/c already exists"):
            uploader.rename("ren/b", "ren/c")
        over = uploader.rename("ren/b", "ren/c", overwrite=True)
        self.assertEqual((over["asset_id"], over["etag"]), (made["asset_id"], made["etag"]))
        with self.assertRaisesRegex(NotFound, "Resource not found - ren/none"):
            uploader.rename("ren/none", "ren/d")
        with self.assertRaises(NotFound):
            uploader.rename("ren/c", "ren/d", resource_type="raw")
        private = uploader.rename("ren/c", "ren/c", to_type="private")
        self.assertEqual(private["type"], "private")
        back = uploader.rename("ren/c", "ren/e", type="private", to_type="upload", context=True, metadata=True)
        self.assertEqual((back["type"], back["public_id"]), ("upload", "ren/e"))

    # ---- destroy and delete

    def test_destroy(self):
        made = uploader.upload(png(), public_id="gone/a")
        self.assertEqual(fetch(made["url"])[0], 200)
        self.assertEqual(uploader.destroy("gone/a", invalidate=True)["result"], "ok")
        self.assertEqual(uploader.destroy("gone/a", invalidate=True)["result"], "not found")
        self.assertEqual(uploader.destroy("gone/never", type="private")["result"], "not found")
        until(lambda: fetch(made["url"])[0] == 404, "the edge lets go")
        self.assertEqual(fetch(made["url"])[1]["x-cld-error"], "Resource not found - gone/a")

    def test_delete_resources_with_mixed_results(self):
        uploader.upload(png(1), public_id="del/a", eager=[{"width": 2, "crop": "scale"}])
        other = uploader.upload(png(2), public_id="del/b")
        reply = api.delete_resources(["del/a", "del/nope"], invalidate=True)
        self.assertEqual(reply["deleted"], {"del/a": "deleted", "del/nope": "not_found"})
        self.assertEqual(reply["deleted_counts"], {"del/a": {"original": 1, "derived": 1}, "del/nope": {"original": 0, "derived": 0}})
        self.assertIs(reply["partial"], False)
        reply = api.delete_resources_by_asset_ids([other["asset_id"], "f" * 32])
        self.assertEqual(sorted(reply["deleted"].values()), ["deleted", "not_found"])
        with self.assertRaises(BadRequest):
            api.delete_resources([f"del/{n}" for n in range(101)])
        with self.assertRaises(NotFound):
            api.resource_by_asset_id("f" * 32)

    def test_delete_derived(self):
        uploader.upload(png(1), public_id="der/a", eager=[{"width": w, "crop": "scale"} for w in (1, 2, 3)])
        derived = api.resource("der/a")["derived"]
        gone = api.delete_derived_resources([derived[0]["id"], "0" * 32])
        self.assertEqual(gone["deleted"], {derived[0]["id"]: "deleted", "0" * 32: "not_found"})
        api.delete_derived_by_transformation("der/a", {"width": 2, "crop": "scale"}, invalidate=True)
        left = [one["transformation"] for one in api.resource("der/a")["derived"]]
        self.assertEqual((len(left), "c_scale,w_2" in left), (1, False))
        kept = api.delete_resources(["der/a"], keep_original=True)
        self.assertEqual(kept["deleted_counts"]["der/a"], {"original": 0, "derived": 1})
        self.assertEqual(api.resource("der/a")["derived"], [])

    def test_delete_by_tag(self):
        many("bytag/", 4, tags="doomed")
        reply = api.delete_resources_by_tag("doomed")
        self.assertEqual(len(reply["deleted"]), 4)
        self.assertEqual(api.resources_by_tag("doomed")["resources"], [])

    def test_delete_token(self):
        made = uploader.upload(png(), public_id="token/a", return_delete_token=True)
        address = utils.cloudinary_api_url("x").split("/image/")[0] + "/delete_by_token"
        form = urllib.parse.urlencode({"token": made["delete_token"]}).encode()
        with urllib.request.urlopen(address, form, timeout=20) as reply:
            self.assertIn(b'"ok"', reply.read())
        self.assertEqual(uploader.destroy("token/a")["result"], "not found")

    # ---- tags, context, explicit, update

    def test_tag_commands(self):
        for n in (1, 2):
            uploader.upload(png(n), public_id=f"tags/{n}", tags="start")
        both = ["tags/1", "tags/2"]
        self.assertEqual(sorted(uploader.add_tag("new", both)["public_ids"]), both)
        self.assertEqual(api.resource("tags/1")["tags"], ["start", "new"])
        uploader.remove_tag("start", ["tags/1"])
        self.assertEqual(api.resource("tags/1")["tags"], ["new"])
        uploader.add_tag("alone", both)
        uploader.add_tag("alone", ["tags/2"], exclusive=True)
        uploader.replace_tag("only", ["tags/2"])
        self.assertEqual(api.resource("tags/2")["tags"], ["only"])
        uploader.add_tag("x,y", ["tags/2"], notification_url="http://127.0.0.1:1/never")
        self.assertEqual(api.resource("tags/2")["tags"], ["only", "x", "y"])
        uploader.remove_all_tags(both)
        self.assertFalse(api.resource("tags/2").get("tags"))
        self.assertEqual(uploader.add_tag("new", ["tags/none"])["public_ids"], [])

    def test_context_commands(self):
        uploader.upload(png(), public_id="ctx/1")
        uploader.add_context({"alt": "a=b|c", "n": "1"}, ["ctx/1"])
        uploader.add_context({"n": "2"}, ["ctx/1"])
        self.assertEqual(api.resource("ctx/1")["context"]["custom"], {"alt": "a=b|c", "n": "2"})
        uploader.remove_all_context(["ctx/1"])
        self.assertNotIn("context", api.resource("ctx/1"))

    def test_explicit_with_invalidate_makes_the_edge_ask_again(self):
        made = uploader.upload(png(9), public_id="purge/me", tags="kept")
        fetch(made["url"])
        self.assertEqual(cache_status(fetch(made["url"])[1]), "hit")
        purged = uploader.explicit("purge/me", type="upload", invalidate=True)
        self.assertEqual((purged["version"], purged["etag"], purged["tags"]), (made["version"], made["etag"], ["kept"]))
        refetched = until(lambda: (lambda got: got if cache_status(got[1]) == "miss" else None)(fetch(made["url"])), "a refetch")
        self.assertEqual((refetched[0], refetched[2]), (200, png(9)))
        with self.assertRaisesRegex(NotFound, "Resource not found - purge/none"):
            uploader.explicit("purge/none", type="upload", invalidate=True)
        made = uploader.explicit("purge/me", type="upload", eager=[{"width": 3, "crop": "scale"}], tags=["new"])
        self.assertEqual((made["tags"], made["eager"][0]["width"]), (["new"], 3))

    def test_update(self):
        made = uploader.upload(png(), public_id="upd/x")
        updated = api.update("upd/x", tags=["a", "b"], context={"k": "v|w"}, display_name="Shown", asset_folder="else/where")
        self.assertEqual((updated["asset_id"], updated["tags"]), (made["asset_id"], ["a", "b"]))
        detail = api.resource("upd/x")
        self.assertEqual((detail["display_name"], detail["asset_folder"]), ("Shown", "else/where"))
        self.assertEqual(detail["context"]["custom"], {"k": "v|w"})
        self.assertEqual(detail["version"], made["version"])
        self.assertEqual(ids(api.resources_by_asset_folder("else/where")["resources"]), ["upd/x"])
        with self.assertRaises(NotFound):
            api.update("upd/none", tags="x")

    # ---- undo

    def test_restore(self):
        made = uploader.upload(png(1), public_id="undo/x", tags="kept")
        second = uploader.upload(png(2), public_id="undo/x")
        uploader.destroy("undo/x")
        left = api.resource("undo/x", versions=True)
        self.assertEqual((left["bytes"], left["placeholder"], len(left["versions"])), (0, True, 2))
        self.assertEqual(api.resources_by_tag("kept")["resources"], [])
        back = api.restore(["undo/x", "undo/none"])
        self.assertEqual((back["undo/x"]["bytes"], back["undo/x"]["asset_id"]), (len(png(2)), made["asset_id"]))
        self.assertEqual(back["undo/none"], {"error": "no_backup"})
        oldest = min(left["versions"], key=lambda version: int(version["version"]))
        earlier = api.restore(["undo/x"], versions=[oldest["version_id"]])["undo/x"]
        self.assertEqual(earlier["etag"], made["etag"])
        self.assertGreater(earlier["version"], second["version"])
        uploader.destroy("undo/x")
        again = api.restore_by_asset_ids([made["asset_id"]])
        self.assertEqual(len(again), 1)
        self.assertEqual(api.resource("undo/x")["bytes"], len(png(1)))
        versions = api.resource("undo/x", versions=True)["versions"]
        api.delete_backed_up_assets(made["asset_id"], [versions[-1]["version_id"]])
        self.assertEqual(len(api.resource("undo/x", versions=True)["versions"]), len(versions) - 1)

    # ---- folders

    def test_folders(self):
        made = api.create_folder("fold/er")
        self.assertEqual((made["success"], made["path"], made["name"]), (True, "fold/er", "er"))
        self.assertIn("fold", [folder["path"] for folder in api.root_folders()["folders"]])
        inside = api.subfolders("fold")
        self.assertEqual([(folder["name"], folder["path"]) for folder in inside["folders"]], [("er", "fold/er")])
        self.assertEqual((inside["total_count"], inside["next_cursor"]), (1, None))
        api.create_folder("fold/other")
        page = api.subfolders("fold", max_results=1)
        self.assertEqual((len(page["folders"]), page["total_count"]), (1, 2))
        last = api.subfolders("fold", max_results=1, next_cursor=page["next_cursor"])
        self.assertEqual([folder["name"] for folder in last["folders"]], ["other"])
        moved = api.rename_folder("fold/er", "fold/new")
        self.assertEqual((moved["from"]["path"], moved["to"]["path"]), ("fold/er", "fold/new"))
        uploader.upload(png(), public_id="in-folder", asset_folder="fold/new")
        with self.assertRaises(BadRequest):
            api.delete_folder("fold/new")
        uploader.destroy("in-folder")
        self.assertEqual(sorted(api.delete_folder("fold")["deleted"]), ["fold", "fold/new", "fold/other"])
        with self.assertRaisesRegex(NotFound, "Can't find folder with path fold"):
            api.subfolders("fold")
        with self.assertRaisesRegex(NotFound, "Can't find folder with path fold"):
            api.delete_folder("fold")

    # ---- search

    def test_search(self):
        many("find/", 12, tags=["found"], context={"c": "d"})
        search = Search().expression("tags=found AND resource_type:image").sort_by("public_id", "asc").max_results(5)
        seen, cursor = [], None
        while True:
            reply = search.next_cursor(cursor).execute() if cursor else search.execute()
            self.assertEqual(reply["total_count"], 12)
            seen += ids(reply["resources"])
            cursor = reply.get("next_cursor")
            if not cursor:
                break
        self.assertEqual(seen, [f"find/{n:04}" for n in range(12)])
        self.assertGreater(reply.rate_limit_remaining, 0)
        shown = Search().expression("public_id:find/000*").with_field("tags").with_field("context").aggregate("format").aggregate("resource_type").execute()
        self.assertEqual(shown["total_count"], 10)
        self.assertEqual(shown["resources"][0]["tags"], ["found"])
        self.assertEqual(shown["aggregations"]["format"], {"png": 10})
        self.assertEqual(shown["aggregations"]["resource_type"], {"image": 10})
        fields = Search().expression("public_id=find/0001").fields("tags").execute()["resources"][0]
        self.assertEqual(fields["tags"], ["found"])
        self.assertNotIn("url", fields)
        self.assertEqual(Search().expression("tags=found AND NOT public_id:find/000*").execute()["total_count"], 2)
        with self.assertRaises(BadRequest):
            Search().expression("width:(").execute()

    def test_search_url_is_served_by_the_edge(self):
        uploader.upload(png(), public_id="searchable/one", tags="by-url")
        url = Search().expression("tags=by-url").max_results(10).to_url(cname=self.edge, secure=False)
        status, headers, body = fetch(url)
        self.assertEqual(status, 200, headers)
        self.assertIn(b'"searchable/one"', body)
        self.assertEqual(fetch(url.replace("/search/", "/search/0"))[0], 401)

    # ---- account

    def test_account(self):
        pong = api.ping()
        self.assertEqual(pong["status"], "ok")
        self.assertEqual(pong.rate_limit_allowed, 2000)
        self.assertGreater(pong.rate_limit_remaining, 0)
        self.assertEqual((pong.rate_limit_reset_at[4], pong.rate_limit_reset_at[5]), (0, 0))
        self.assertTrue(pong.request_id)
        self.assertEqual(api.config(settings=True)["settings"]["folder_mode"], "dynamic")
        self.assertEqual(api.config()["cloud_name"], cloudinary.config().cloud_name)
        self.assertNotIn("settings", api.config())
        usage = api.usage()
        for part in ("plan", "last_updated", "objects", "bandwidth", "storage", "transformations", "requests", "resources", "derived_resources", "credits", "media_limits"):
            self.assertIn(part, usage)
        self.assertGreater(usage["resources"], 0)
        self.assertIn("plan", api.usage(date=time.strftime("%Y-%m-%d", time.gmtime())))
        with self.assertRaises(BadRequest):
            api.usage(date="yesterday")
        self.assertEqual(api.resource_types()["resource_types"], ["image", "video", "raw"])

    def test_errors_are_the_sdks_own(self):
        with self.assertRaisesRegex(AuthorizationRequired, "Invalid Signature .* String to sign - 'public_id=x&timestamp="):
            uploader.destroy("x", api_secret="wrong")
        with self.assertRaisesRegex(AuthorizationRequired, "api_secret mismatch"):
            api.ping(api_secret="wrong")
        with self.assertRaisesRegex(AuthorizationRequired, "unknown api_key"):
            api.ping(api_key="1")
        with self.assertRaisesRegex(AuthorizationRequired, "cloud_name mismatch"):
            api.ping(cloud_name="someone-else")
        with self.assertRaisesRegex(BadRequest, "Stale request - reported time is .* UTC which is more than 1 hour ago"):
            # a client whose clock is late
            with mock.patch.object(utils, "now", return_value=str(int(time.time()) - 3700)):
                uploader.destroy("late")
        with self.assertRaisesRegex(BadRequest, "Missing required parameter - public_id"):
            uploader.destroy("")
        with self.assertRaisesRegex(BadRequest, "Upload preset"):
            uploader.unsigned_upload(png(), "no-such-preset")
        with self.assertRaises(BadRequest):
            uploader.upload(b"no picture at all", public_id="words")
        for bad in ("a?b", "a#b", "a<b", "x" * 256):
            with self.assertRaises(BadRequest):
                uploader.upload(png(), public_id=bad)
        for signed in ({"signature_algorithm": "sha256"}, {"signature_version": 1}, {"signature_algorithm": "sha256", "signature_version": 1}):
            self.assertEqual(uploader.destroy("a=1&b=2", **signed)["result"], "not found")

    def test_what_the_local_cloud_lacks_is_an_honest_404(self):
        asks = [api.transformations, api.upload_presets, api.upload_mappings, api.list_streaming_profiles, api.triggers, api.list_metadata_fields, api.list_metadata_rules]
        for ask in asks:
            with self.assertRaises(NotFound, msg=ask.__name__):
                ask()
        for call in (lambda: uploader.create_zip(tags="x"), lambda: uploader.generate_sprite("x"), lambda: uploader.multi("x"), lambda: uploader.text("x"), lambda: uploader.explode("x")):
            with self.assertRaises(NotFound):
                call()
        with self.assertRaises(NotFound):
            api.add_related_assets("x", ["image/upload/y"])

    # ---- URLs

    def test_urls_of_the_builder_are_delivered(self):
        uploader.upload(png(11, width=40, height=30), public_id="press/kit/hero")
        uploader.upload(png(12), public_id="root")
        uploader.upload(png(13), public_id="press/secret", type="private")
        uploader.upload(png(14), public_id="press/members", type="authenticated")
        uploader.upload(b"%PDF-1.4\n", public_id="doc.pdf", resource_type="raw")
        good = [
            self.url("root.png"),
            self.url("press/kit/hero.png"),
            self.url("press/kit/hero.png", force_version=False),
            self.url("press/kit/hero.png", version=1),
            self.url("press/kit/hero.png", width=10, crop="scale"),
            self.url("press/kit/hero", transformation=[{"width": 10, "crop": "fill", "height": 10}, {"quality": 50}], format="jpg"),
            self.url("press/kit/hero.png", sign_url=True),
            self.url("press/kit/hero.png", sign_url=True, long_url_signature=True),
            self.url("press/kit/hero.png", sign_url=True, signature_algorithm="sha256"),
            self.url("press/kit/hero.png", sign_url=True, width=9, crop="scale"),
            self.url("press/kit/hero.png", fetch_format="auto", quality="auto"),
            self.url("press/kit/hero", url_suffix="spring", format="png"),
            self.url("press/kit/hero.png", shorten=True),
            self.url("press/kit/hero.png", use_root_path=True),
            self.url("press/secret.png", type="private", sign_url=True),
            self.url("press/secret.png", type="private", sign_url=True, width=5, crop="scale"),
            self.url("press/members.png", type="authenticated", sign_url=True),
            self.url("doc.pdf", resource_type="raw"),
            self.url("doc.pdf", resource_type="raw", sign_url=True),
        ]
        for url in good:
            status, headers, _ = fetch(url)
            self.assertEqual(status, 200, (url, headers["x-cld-error"]))
        for url in (self.url("press/secret.png", type="private"), self.url("press/members.png", type="authenticated")):
            self.assertEqual(fetch(url)[0], 401, url)
        for url in (good[6], good[7], good[14], good[16]):
            at = url.index("s--") + 3
            tampered = url[:at] + ("A" if url[at] != "A" else "B") + url[at + 1 :]
            self.assertEqual(fetch(tampered)[0], 401, tampered)
        small = fetch(self.url("press/kit/hero.png", width=10, crop="scale"))[2]
        self.assertEqual(struct.unpack(">II", small[16:24])[0], 10)


class Large(unittest.TestCase):
    """An empty cloud that this class has for itself."""

    def test_more_than_a_thousand(self):
        names = many("bulk/", 1201, tags="bulk")
        listed = pages(api.resources, type="upload", prefix="bulk/", max_results=500)
        self.assertEqual([len(page) for page in listed], [500, 500, 201])
        self.assertEqual([name for page in listed for name in ids(page)], names)
        for ask in (
            lambda **options: api.resources(**options),
            lambda **options: api.resources(type="upload", **options),
            lambda **options: api.resources_by_tag("bulk", **options),
            lambda **options: api.resources_by_asset_folder("bulk", **options),
        ):
            for direction in ("asc", "desc"):
                listed = pages(ask, max_results=500, direction=direction)
                self.assertEqual([len(page) for page in listed], [500, 500, 201])
                self.assertEqual(sorted(name for page in listed for name in ids(page)), names)
                times = [one["created_at"] for page in listed for one in page]
                self.assertEqual(times, sorted(times, reverse=direction == "desc"))
        self.assertEqual(len(api.resources()["resources"]), 10)
        found = pages(lambda **options: self.searched(**options))
        self.assertEqual(sorted(name for page in found for name in ids(page)), names)

        first = api.delete_resources_by_prefix("bulk/")
        self.assertEqual((len(first["deleted"]), first["partial"]), (1000, True))
        self.assertTrue(first["next_cursor"])
        second = api.delete_resources_by_prefix("bulk/", next_cursor=first["next_cursor"])
        self.assertEqual((len(second["deleted"]), second["partial"]), (201, False))
        self.assertNotIn("next_cursor", second)
        self.assertEqual(sorted({**first["deleted"], **second["deleted"]}), names)

        kept = uploader.upload(b"raw stays", public_id="raw.txt", resource_type="raw")["public_id"]
        many("again/", 3)
        reply = api.delete_all_resources()
        self.assertEqual((len(reply["deleted"]), reply["partial"]), (3, False))
        self.assertEqual(api.resources()["resources"], [])
        self.assertEqual(ids(api.resources(resource_type="raw")["resources"]), [kept])

    @staticmethod
    def searched(next_cursor=None):
        search = Search().expression("folder:* OR tags=bulk").sort_by("public_id", "asc").max_results(500)
        return (search.next_cursor(next_cursor) if next_cursor else search).execute()

    def test_zz_a_name_is_taken_by_one_of_many_at_once(self):
        barrier = threading.Barrier(4)
        for n in range(4):
            uploader.upload(png(n), public_id=f"race/{n}")

        def one(number):
            barrier.wait()
            try:
                uploader.rename(f"race/{number}", "race/winner")
                return 1
            except BadRequest:
                return 0

        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(sum(pool.map(one, range(4))), 1)
        self.assertEqual(len(api.resources(type="upload", prefix="race/")["resources"]), 4)


class Spent(unittest.TestCase):
    """A cloud with `--admin-quota 3` and neither backups nor bulk invalidation."""

    def test_the_hour_is_used_up(self):
        made = uploader.upload(png(), public_id="quota/x")
        fetch(made["url"])
        # an Admin delete invalidates nothing here
        self.assertEqual(api.delete_resources(["quota/x"], invalidate=True).rate_limit_remaining, 2)
        with self.assertRaises(NotFound):
            api.resource("quota/x")
        self.assertEqual(api.restore(["quota/x"])["quota/x"], {"error": "no_backup"})
        text = r"Error 420 - Rate Limit Exceeded\. Limit of 3 api operations reached\. Try again on \d{4}-\d\d-\d\d \d\d:00:00 UTC"
        for ask in (api.ping, api.resources, lambda: Search().expression("x").execute()):
            with self.assertRaisesRegex(RateLimited, text):
                ask()
        self.assertEqual(uploader.destroy("quota/x")["result"], "not found")
        status, headers, _ = fetch(made["url"])
        self.assertEqual((status, cache_status(headers)), (200, "hit"))
        with self.assertRaises(Error):
            uploader.upload("http://127.0.0.1:1/nothing.png")


if __name__ == "__main__":
    unittest.main()
