"""Called by scripts/bench_loader.

make FOLDER COUNT               writes pictures like CLEVR's (grey ground, shaded balls, some noise; RGBA PNG) and JPEG
measure FOLDER WIDTH HEIGHT     prints pictures a second through Pillow and a DataLoader with one worker
"""

import pathlib
import sys
import time

import numpy as np
from PIL import Image


def picture(random):
    y, x = np.mgrid[0:320, 0:480].astype(np.float32)
    pixels = np.repeat((110 + 40 * y / 320 + 10 * np.sin(x / 90))[:, :, None], 3, axis=2)
    for _ in range(6):
        cx, cy, r = random.uniform(40, 440), random.uniform(80, 280), random.uniform(15, 45)
        inside = (x - cx) ** 2 + (y - cy) ** 2 < r * r
        light = np.exp(-((x - cx + r / 3) ** 2 + (y - cy + r / 3) ** 2) / (r * r))
        pixels[inside] = (light[:, :, None] * random.uniform(60, 255, 3))[inside]
    pixels += random.normal(0, 1.1, pixels.shape)  # files of 190 KB, as CLEVR's are
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make(folder, count):
    random = np.random.default_rng(0)
    for name in ("png", "jpeg"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        image = picture(random)
        image.save(folder / "jpeg" / f"{i:06}.jpg", quality=90)
        image.putalpha(255)
        image.save(folder / "png" / f"{i:06}.png")


def measure(folder, width, height):
    import torch

    torch.set_num_threads(1)
    paths = sorted(folder.iterdir())

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return len(paths)

        def __getitem__(self, i):
            image = Image.open(paths[i]).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
            return torch.from_numpy(np.array(image))

    loader = torch.utils.data.DataLoader(Pictures(), batch_size=32, num_workers=1, persistent_workers=True)
    best = 0.0
    for _ in range(3):  # the first one starts the worker
        start = time.perf_counter()
        seen = sum(len(batch) for batch in loader)
        best = max(best, seen / (time.perf_counter() - start))
    print(best)


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "make":
        make(folder, int(sys.argv[3]))
    else:
        measure(folder, int(sys.argv[3]), int(sys.argv[4]))
