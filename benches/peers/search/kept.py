"""An index that is kept for the next run, and used again only if it is the same file of the same data."""

import hashlib
import json
import os


class Kept:
    """`NAME-KEY.index` in a folder, and beside it a .json that says what it is. The key is a hash of the training bytes
    and of all that the index was made with."""

    def __init__(self, folder, name, made_with, train):
        digest = hashlib.sha256(json.dumps([made_with, train.shape], sort_keys=True).encode())
        digest.update(train)
        self.key = digest.hexdigest()
        self.file = folder / f"{name}-{self.key[:16]}.index"
        self.about = self.file.with_suffix(".json")

    def find(self):
        """What was said of the file when it was kept; `None` if there is none, or if it is not that file."""
        try:
            about = json.loads(self.about.read_text(encoding="utf-8"))
            is_same = about["key"] == self.key and about["sha256"] == sha256(self.file)
            # What a reader of it needs.
            float(about["seconds"]), int(about["threads"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return about if is_same else None

    def keep(self, save, said):
        """`save(path)` writes the index. Returns why it could not be kept, or `None`."""
        part = self.file.with_suffix(".part")
        try:
            # Without it no file is trusted, whatever happens from here on.
            self.about.unlink(missing_ok=True)
            save(str(part))
            about = {"key": self.key, "sha256": sha256(part)} | said
            os.replace(part, self.file)
            self.about.write_text(json.dumps(about), encoding="utf-8")
        except (OSError, RuntimeError) as error:
            part.unlink(missing_ok=True)
            return str(error)
        return None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
