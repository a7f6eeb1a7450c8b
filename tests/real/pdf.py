"""Extracts the text of every PDF in a folder."""

import pickle
import random

import scenario
from batch import report, run_batch

COUNT = 100
STRATEGIES = ["sequential", "threads:2", "threads:8", "processes:2:fork", "processes:2:spawn"]
# `pchsim record --releases` of this in one pool thread (CPython 3.14: 82 releases in 19.2 ms looked at): streams are decompressed.
RELEASES_PER_MS, RELEASED = 4.27, "4.8us"
WORDS = "invoice total amount customer delivery contract quality report annual revenue market region product service team plan".split()


def extract(path):
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def inputs(folder):
    """PDFs of 3 to 12 pages with headings, paragraphs and a table, as a report generator would make them."""
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    rng = random.Random(7)
    styles = getSampleStyleSheet()
    for n in range(COUNT):
        story = []
        for page in range(rng.randint(3, 12)):
            story.append(Paragraph(f"Section {page + 1}: {' '.join(rng.choices(WORDS, k=4))}", styles["Heading2"]))
            for _ in range(rng.randint(3, 6)):
                story.append(Paragraph(" ".join(rng.choices(WORDS, k=rng.randint(40, 90))) + ".", styles["BodyText"]))
                story.append(Spacer(1, 6))
            rows = [["item", "qty", "price"]]
            rows += [[rng.choice(WORDS), rng.randint(1, 99), f"{rng.random() * 900:.2f}"] for _ in range(8)]
            table = Table(rows)
            table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey)]))
            story += [table, PageBreak()]
        SimpleDocTemplate(str(folder / f"doc{n:03}.pdf")).build(story)


def steps(folder, profile):
    times, sizes = [], []
    extract(files(folder)[0])  # what is imported and cached once is no task's
    for path in files(folder):
        cpu, text = scenario.cpu_ms(extract, path)
        times.append(cpu)
        sizes.append(len(pickle.dumps(text)))
    cpu = scenario.empirical(times, scenario.cpu_factor(profile))
    releases = round(sum(times) / COUNT * RELEASES_PER_MS)
    document = ("document", COUNT, f'Cpu(time: {cpu}, releases: {releases}, released: "{RELEASED}"), PayloadOut("{sum(sizes) // len(sizes)}B")')
    scenario.write(folder / "pdf.ron", "pdf", profile, [document], scenario.imports("pypdf"), STRATEGIES)


def files(folder):
    return sorted(map(str, folder.glob("*.pdf")))


def main():
    args = scenario.arguments(__doc__, "inputs", "steps", "advised", "run")
    if args.command == "inputs":
        inputs(args.folder)
    elif args.command in ("steps", "advised"):
        steps(args.folder, args.profile)
    else:
        import pypdf  # noqa: F401 -- before the clock starts, as the program's own imports would be

        result, texts = run_batch(args.strategy, extract, files(args.folder))
        report(result, sum(map(len, texts)))


if __name__ == "__main__":
    main()
