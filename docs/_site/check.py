"""Checks the built site: links and their anchors lead somewhere, and nothing comes from elsewhere.

python docs/_site/check.py build/site
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}
_OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
# What a link of the head may name without the browser loading it.
_NAMED_ONLY = {"canonical", "next", "prev", "alternate"}


class Page(HTMLParser):
    """The anchors and links of a page, and what it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in _LOADED and not _NAMED_ONLY & set(values.get("rel", "").split()):
            self.loaded.append(values.get(_LOADED[tag], ""))


def problems(site: Path) -> list[str]:
    """Returns what is wrong with a site, a line each."""
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: no pages"]
    for path, page in pages.items():
        name = path.relative_to(site)
        if name.name == "404.html":  # its links begin at the root of the host
            continue
        for link in page.links + page.loaded:
            if not link or urlsplit(link).scheme or link.startswith("//"):
                continue
            target = _target(site, path, link)
            anchor = unquote(urlsplit(link).fragment)
            if not target.is_file():
                found.append(f"{name}: no file for {link}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{name}: no anchor for {link}")
        found += [f"{name}: loads {url}" for url in page.loaded if _OUTSIDE.match(url)]
    for style in sorted(site.rglob("*.css")):
        for url in re.findall(r"url\(\s*[\"']?([^\"')]+)", style.read_text()):
            if _OUTSIDE.match(url):
                found.append(f"{style.relative_to(site)}: loads {url}")
    return found


def _target(site, path, link):
    """Returns the file of the site that a link of a page leads to."""
    place = unquote(urlsplit(link).path)
    folder = site if place.startswith("/") else path.parent
    target = (folder / place.lstrip("/")).resolve() if place else path.resolve()
    return target / "index.html" if target.is_dir() else target


def main(site: Path) -> int:
    site = site.resolve()
    found = problems(site)
    print(*found, sep="\n", end="\n" if found else "")
    pages = [Page(path.read_text()) for path in site.rglob("*.html")]
    links = sum(len(page.links) for page in pages)
    print(f"{len(pages)} pages, {links} links, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
