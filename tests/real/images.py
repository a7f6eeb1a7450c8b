"""Makes a web version and a thumbnail of every photograph in a folder."""

import pathlib

import scenario
from batch import report, run_batch
from PIL import Image, ImageFilter, ImageOps

COUNT = 48
STRATEGIES = ["sequential", "threads:2", "threads:8", "processes:2:fork", "processes:2:spawn", "asyncio+threads:2"]


def convert(path):
    path = pathlib.Path(path)
    out = path.parent / "out"
    with Image.open(path) as image:
        image.load()
        image = ImageOps.exif_transpose(image)
        web = image.resize((1280, 960), Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(2, 80))
        web.save(out / ("web-" + path.name), quality=85, optimize=True)
        ImageOps.fit(web, (256, 256)).save(out / ("thumb-" + path.name), quality=80)
    return web.size


def inputs(folder):
    """Photographs of 1600 to 3000 pixels across: gradients, discs and noise."""
    import numpy as np
    from PIL import ImageDraw

    rng = np.random.default_rng(7)
    for n in range(COUNT):
        w = int(rng.integers(1600, 3000)) // 4 * 4
        h = w * 3 // 4
        y, x = np.mgrid[0:h, 0:w]
        base = np.stack([(x * 255 // w), (y * 255 // h), ((x + y) * 255 // (w + h))], axis=-1).astype(np.int16)
        base += rng.integers(-12, 12, base.shape, dtype=np.int16)
        image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(40):
            cx, cy, r = (int(v) for v in (rng.integers(0, w), rng.integers(0, h), rng.integers(20, 200)))
            draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
        image.save(folder / f"photo{n:03}.jpg", quality=90)


def steps(folder, profile):
    convert(files(folder)[0])
    times = [scenario.cpu_ms(convert, path)[0] for path in files(folder)]
    free = scenario.gil_free(convert, files(folder))
    # Pixels of the largest picture at once, four bytes each as Pillow keeps them: the decoded one and its copy the right way up, and the web
    # version before and after sharpening.
    with Image.open(max(files(folder), key=lambda f: pathlib.Path(f).stat().st_size)) as image:
        held = 4 * (2 * image.width * image.height + 2 * 1280 * 960)
    python = sum(times) / len(times) * (1 - free) / scenario.cpu_factor(profile)
    native = scenario.empirical([t * free for t in times])
    photo = ("photo", COUNT, f'Hold("{held}B", [Cpu("{python:.4g}ms"), Native({native})])')
    scenario.write(folder / "images.ron", "images", profile, [photo], scenario.imports("PIL.Image", "PIL.ImageOps"), STRATEGIES)


def files(folder):
    (folder / "out").mkdir(exist_ok=True)
    return sorted(map(str, folder.glob("*.jpg")))


def main():
    args = scenario.arguments(__doc__, "inputs", "steps", "advised", "run")
    if args.command == "inputs":
        inputs(args.folder)
    elif args.command in ("steps", "advised"):
        steps(args.folder, args.profile)
    else:
        result, sizes = run_batch(args.strategy, convert, files(args.folder))
        report(result, len(sizes))


if __name__ == "__main__":
    main()
