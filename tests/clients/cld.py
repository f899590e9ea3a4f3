"""The official command-line tool, `cld`, against the local cloud, unchanged: all that it is told is CLOUDINARY_URL.

`python3 cld.py CLASS`; each class wants a cloud of its own. The Rust side starts it.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from python_sdk import fetch, png, until  # noqa: E402

CLD = str(Path(sys.executable).parent / "cld")


class Operator(unittest.TestCase):
    """Types commands."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.home = Path(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_cld(self, *arguments, expect=0, url=None, stdin=""):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CLOUDINARY_HOME": str(self.home / "cld"),
            "CLOUDINARY_URL": url or os.environ["CLOUDINARY_URL"],
        }
        ran = subprocess.run([CLD, *map(str, arguments)], env=environment, input=stdin, capture_output=True, text=True, timeout=120, cwd=self.home)
        self.assertEqual(ran.returncode, expect, f"{arguments}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def json(self, *arguments, **options):
        return json.loads(self.run_cld(*arguments, **options).stdout)

    def files(self, name, count):
        folder = self.home / name
        (folder / "sub").mkdir(parents=True)
        for number in range(count):
            (folder / f"picture-{number}.png").write_bytes(png(number, count))
        (folder / "sub" / "deep.png").write_bytes(png(200, count))
        (folder / "notes.txt").write_text("words, not a picture\n")
        return folder

    def upload(self, public_id, *more):
        file = self.home / "one.png"
        file.write_bytes(png())
        return self.json("uploader", "upload", file, "-o", "public_id", public_id, *more)


class Asking(Operator):
    """What asks and is refused; a cloud with `--assets 1300`."""

    def test_config_and_account(self):
        shown = self.run_cld("config").stdout
        self.assertIn("demo", shown)
        self.assertIn("upload_prefix", shown)
        self.assertNotIn("loopback-only-no-secret", shown)
        self.assertEqual(self.json("admin", "ping")["status"], "ok")
        usage = self.json("admin", "usage")
        self.assertGreaterEqual(usage["resources"], 1300)
        self.assertEqual(self.json("admin", "config", "-o", "settings", "true")["settings"]["folder_mode"], "dynamic")
        self.run_cld("config", "-n", "local", os.environ["CLOUDINARY_URL"])
        self.assertEqual(self.json("-C", "local", "admin", "ping")["status"], "ok")
        self.run_cld("config", "-rm", "local")

    def test_pages_over_everything(self):
        seen = []
        one_page = self.json("admin", "resources", "-o", "max_results", "500")
        for kind in ("image", "video", "raw"):
            all_pages = self.json("admin", "resources", "-o", "resource_type", kind, "-o", "max_results", "500", "-A", "-F", "-ff", "asset_id,public_id")
            listed = [one["asset_id"] for one in all_pages["resources"]]
            self.assertEqual(len(listed), len(set(listed)))
            seen += listed
        self.assertTrue({one["asset_id"] for one in one_page["resources"]} <= set(seen))
        total = self.json("search", "", "-n", "1")["total_count"]
        self.assertGreaterEqual(total, 1300)
        self.assertEqual((len(seen), len(set(seen))), (total, total))
        found = self.json("search", "resource_type:image", "-n", "500", "-A", "-F")
        images = self.json("search", "resource_type:image", "-n", "1")["total_count"]
        self.assertEqual(len({one["asset_id"] for one in found["resources"]}), images)

    def test_search(self):
        for number in range(3):
            self.upload(f"cld/find/{number}", "-o", "tags", "cld-found")
        found = self.json("search", "tags=cld-found", "-f", "tags", "-s", "public_id", "asc", "-a", "format", "-n", "2")
        self.assertEqual([one["public_id"] for one in found["resources"]], ["cld/find/0", "cld/find/1"])
        self.assertEqual((found["total_count"], found["aggregations"]["format"]), (3, {"png": 3}))
        everything = self.json("search", "tags=cld-found", "-s", "public_id", "asc", "-n", "2", "-A", "-F")
        self.assertEqual([one["public_id"] for one in everything["resources"]], [f"cld/find/{number}" for number in range(3)])
        self.assertEqual(self.json("search_folders", "path=cld/find")["total_count"], 1)
        self.assertIn("folders", self.json("search_folders", "name:cl*"))
        self.run_cld("search", "width:(", expect=1)

    def test_errors_end_with_one(self):
        missing = self.run_cld("admin", "resource", "cld/none", expect=1)
        self.assertIn("Resource not found - cld/none", missing.stderr)
        wrong = os.environ["CLOUDINARY_URL"].replace("loopback-only-no-secret", "wrong")
        refused = self.run_cld("admin", "ping", url=wrong, expect=1)
        self.assertIn("api_secret mismatch", refused.stderr)
        refused = self.run_cld("uploader", "destroy", "x", url=wrong, expect=1)
        self.assertIn("Invalid Signature", refused.stderr)
        self.run_cld("admin", "transformations", expect=1)


class Changing(Operator):
    """What changes; an empty cloud with backups."""

    def test_upload_rename_destroy(self):
        made = self.upload("cld/one", "-o", "tags", "a,b", "-O", "context", '{"alt": "cat"}')
        self.assertEqual((made["public_id"], made["tags"], made["context"]["custom"]), ("cld/one", ["a", "b"], {"alt": "cat"}))
        self.assertEqual(fetch(made["url"])[0], 200)
        renamed = self.json("uploader", "rename", "cld/one", "cld/two", "-o", "invalidate", "true")
        self.assertEqual((renamed["public_id"], renamed["asset_id"]), ("cld/two", made["asset_id"]))
        until(lambda: fetch(made["url"])[0] == 404, "the old URL is gone")
        self.upload("cld/three")
        clash = self.run_cld("uploader", "rename", "cld/two", "cld/three", expect=1)
        self.assertIn("cld/three already exists", clash.stderr)
        missing = self.run_cld("uploader", "rename", "cld/none", "cld/four", expect=1)
        self.assertIn("Resource not found - cld/none", missing.stderr)
        self.assertEqual(self.json("uploader", "destroy", "cld/two", "-o", "invalidate", "true")["result"], "ok")
        self.assertEqual(self.json("uploader", "destroy", "cld/two")["result"], "not found")
        deleted = self.json("admin", "delete_resources", "cld/three,cld/none")
        self.assertEqual(deleted["deleted"], {"cld/three": "deleted", "cld/none": "not_found"})
        self.assertEqual(self.json("admin", "restore", "cld/three")["cld/three"]["public_id"], "cld/three")

    def test_sync_pushes_once_and_pulls_back(self):
        folder = self.files("album", 6)
        pushed = self.run_cld("sync", "--push", folder, "cld-album").stderr
        self.assertIn("Uploading 8 items", pushed)
        self.assertEqual(self.json("search", "asset_folder:cld-album/*", "-n", "1")["total_count"], 8)
        again = self.run_cld("sync", "--push", folder, "cld-album").stderr
        self.assertIn("Skipping 8 items", again)
        (folder / "picture-0.png").unlink()
        (folder / "sub" / "late.png").write_bytes(png(1, 1, 1, 9, 9))
        changed = self.run_cld("sync", "--push", "-F", folder, "cld-album").stderr
        self.assertIn("Deleted 1 resources", changed)
        self.assertIn("Uploading 1 items", changed)
        self.assertEqual(self.json("search", "asset_folder:cld-album/*", "-n", "1")["total_count"], 8)

        # delivery is told to `cld` as it is to every SDK: as the cloud's own host name
        edge = urllib.parse.urlsplit(self.upload("cld/edge")["url"]).netloc
        copy = self.home / "copy"
        self.run_cld("sync", "--pull", copy, "cld-album", url=f"{os.environ['CLOUDINARY_URL']}&cname={edge}")
        pictures = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
        self.assertEqual(sorted(path.relative_to(copy) for path in copy.rglob("*.png")), pictures)
        for picture in pictures:
            self.assertEqual((copy / picture).read_bytes(), (folder / picture).read_bytes(), picture)

    def test_upload_dir(self):
        folder = self.files("many", 40)
        ran = self.run_cld("upload_dir", folder, "-f", "cld-many", "-g", "**/*.png")
        self.assertIn("41 resources uploaded", ran.stderr)
        self.assertEqual(self.json("search", 'asset_folder:"cld-many/*"', "-n", "1")["total_count"], 41)
        folders = [one["path"] for one in self.json("admin", "subfolders", "cld-many")["folders"]]
        self.assertEqual(folders, ["cld-many/many"])

    def test_regenerated_variants(self):
        made = self.upload("cld/regen")
        regenerated = self.json("uploader", "explicit", "cld/regen", "type=upload", "eager=c_scale,w_3", "-o", "invalidate", "true")
        self.assertEqual((regenerated["eager"][0]["width"], regenerated["version"]), (3, made["version"]))

    def test_bulk_deletes_ask_first(self):
        for number in range(3):
            self.upload(f"cld/bulk/{number}")
        self.run_cld("admin", "delete_resources_by_prefix", "cld/bulk/", stdin="n\n", expect=1)
        deleted = self.json("admin", "delete_resources_by_prefix", "cld/bulk/", "-F")
        self.assertEqual((len(deleted["deleted"]), deleted["partial"]), (3, False))


if __name__ == "__main__":
    unittest.main()
