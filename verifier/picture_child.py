"""The child process that opens pictures from outside: a file on stdin, JSON on stdout.

It is started by ``pictures.read_outside`` and has nothing worth stealing. Its limits are set
after the libraries are loaded and before the first foreign byte is read.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pypdfium2
from PIL import Image, ImageFile

from .pictures import MAX_FILE, qr_texts, read_barcodes

_MAX_PIXELS = 40_000_000  # Pillow refuses twice this; a telephone's photograph has 12 to 50 million
_MAX_PAGES = 10
_PDF_DPI = 200  # 22 mm at v15 (77 modules): 2.2 px a module; small pages get more
_CPU_S = 20


def main() -> int:
    """Reads one file and answers. Exit code 0 even where the file is broken: the answer says so."""
    _limit(int(sys.argv[1]))
    data = sys.stdin.buffer.read(MAX_FILE + 1)
    answer: dict[str, Any] = {"texts": [], "barcodes": [], "problem": None}
    try:
        for image in _pages(data):
            answer["texts"] += qr_texts(image)
            answer["barcodes"] += read_barcodes(image)
    except (OSError, ValueError, MemoryError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow raises SyntaxError for some broken PNGs; PdfiumError is a RuntimeError below.
        answer["problem"] = type(error).__name__
    except RuntimeError as error:
        answer["problem"] = type(error).__name__
    json.dump(answer, sys.stdout)
    return 0


def _pages(data: bytes) -> Iterator[Image.Image]:
    if data[:5] == b"%PDF-":
        yield from _pdf_pages(data)
        return
    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        image.draft("L", (2400, 2400))  # JPEG: decode at half or a quarter where that is enough
        yield image.convert("L")


def _pdf_pages(data: bytes) -> Iterator[Image.Image]:
    document = pypdfium2.PdfDocument(data)
    for index in range(min(len(document), _MAX_PAGES)):
        page = document[index]
        width, height = page.get_size()  # points
        scale = _PDF_DPI / 72 if width * height > 120_000 else 400 / 72
        if width * height * scale * scale > _MAX_PIXELS:
            raise ValueError("page too large")
        yield page.render(scale=scale, grayscale=True).to_pil().convert("L")


def _limit(memory: int) -> None:
    """No files, little time, bounded memory (POSIX; elsewhere only the parent's time limit)."""
    if sys.platform == "win32":
        return
    import resource

    def lower(what: int, value: int) -> None:
        soft_hard = resource.getrlimit(what)[1]
        bound = value if soft_hard == resource.RLIM_INFINITY else min(value, soft_hard)
        resource.setrlimit(what, (bound, bound))

    lower(resource.RLIMIT_CPU, _CPU_S)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_AS, _address_space() + memory)


def _address_space() -> int:
    """Bytes of address space in use; 1 GiB where /proc does not say (the libraries' usual)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            pages = int(statm.read().split()[0])
    except OSError:
        return 1 << 30
    import resource

    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
