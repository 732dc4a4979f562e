"""Check open_clip's architectures: which can be prompted, and how exactly.

Each tower that can be prompted and is not too large is built with random
weights, and compared with open_clip's and timm's own forward pass and with
the paper's form, in which prompts are inserted before each block and dropped
behind it. The differences are the largest ones of L2-normalised features.
Text towers are compared on random tokens, from a table of 1,000.

  effect of the prompts: difference of features with and without them
  step   seconds of forward and backward pass to the prompts
  ratio  of inference with prompts to the plain tower's, median of the rounds
"""

import argparse
import json
import statistics
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import open_clip
import torch
import torch.nn.functional as F

from mpafer_plugin.clip import (
    architecture,
    build_clip,
    image_tower,
    load_clip,
    text_tower,
)
from mpafer_plugin.models import PromptedCLIPViT

from .clock import Clock

NUM_PROMPTS, NUM_CONTEXT = 8, 10  # paper
VOCABULARY = 1000
NEEDS_TRANSFORMERS = ('hf_model_name', 'hf_tokenizer_name')


@dataclass
class Row:
    """What is found of an architecture; None was not measured."""

    arch: str
    tags: int
    trainable: int | None = None
    megabytes: float | None = None
    image: float | None = None
    prompted: float | None = None
    effect: float | None = None
    text: float | None = None
    step: float | None = None
    ratio: float | None = None
    promptable: str = 'yes'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('arch', nargs='*', help="names of open_clip's; default: all")
    add('--list', action='store_true', help='build nothing')
    add(
        '--max-megabytes',
        type=float,
        default=1000,
        metavar='MB',
        help='size of both towers in float32, without the table of tokens, '
        'up to which they are built; default: %(default)s',
    )
    add('--batch', type=int, default=2, help='default: %(default)s')
    add('--rounds', type=int, default=5, help='default: %(default)s')
    add('--json', help='file for the results')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    known = open_clip.list_models()
    for arch in args.arch:
        if arch not in known:
            raise SystemExit(f'{arch!r} is not an architecture of open_clip')
    rows = []
    print(_line([field.name for field in fields(Row)]))
    for arch in args.arch or known:
        row = describe(arch)
        if row.promptable.startswith('yes') and not args.list:
            measure(row, args)
        rows.append(row)
        print(_line(_cells(row)), flush=True)
        if args.json:
            content = json.dumps([asdict(row) for row in rows], indent=1)
            Path(args.json).write_text(content + '\n')
    print('\n'.join(sums(rows)))


def describe(arch: str) -> Row:
    """Make the row of an architecture, without building it."""
    tags = len(open_clip.list_pretrained_tags_by_model(arch))
    try:
        text = architecture(arch)['text_cfg']
    except ValueError as error:
        reason = str(error).partition('cannot be prompted: ')[2]
        return Row(arch, tags, promptable=f'no: {reason}')
    needs = [text[key] for key in NEEDS_TRANSFORMERS if key in text]
    return Row(
        arch,
        tags,
        promptable=f'yes, with {needs[0]} of the hub' if needs else 'yes',
    )


def sums(rows: list[Row]) -> list[str]:
    """Count architectures and tags, and what was measured."""
    good = [row for row in rows if row.promptable.startswith('yes')]
    lines = [
        f'{len(good)} of {len(rows)} architectures and '
        f'{sum(row.tags for row in good)} of {sum(row.tags for row in rows)} '
        'tags can be prompted'
    ]
    built = [row for row in good if row.image is not None]
    if built:
        lines.append(
            f'{len(built)} were built: largest difference of images '
            f'{_largest(row.image for row in built)}, with prompts '
            f'{_largest(row.prompted for row in built)}, of texts '
            f'{_largest(row.text for row in built)}'
        )
        effect = min(row.effect or 0 for row in built)
        lines.append(f'smallest effect of the prompts: {effect:.1e}')
    return lines


def _largest(values: Iterable[float | None]) -> str:
    return f'{max(value or 0 for value in values):.1e}'


def _cells(row: Row) -> list[str]:
    def cell(name: str, value: object) -> str:
        if value is None:
            return '-'
        if name in ('image', 'prompted', 'effect', 'text'):
            return f'{value:.1e}'
        if isinstance(value, float):
            return f'{value:.0f}' if name == 'megabytes' else f'{value:.3f}'
        return f'{value:,}' if isinstance(value, int) else str(value)

    return [cell(name, value) for name, value in asdict(row).items()]


def _line(cells: list[str]) -> str:
    arch, *numbers, promptable = cells
    aligned = [f'{number:>9}' for number in numbers]
    return ' '.join([f'{arch:<34}', *aligned, f' {promptable}'])


def measure(row: Row, args: argparse.Namespace) -> None:
    """Build the towers of an architecture, and fill its row."""
    config = architecture(row.arch)
    if 'hf_model_name' in config['text_cfg']:
        # Their text towers are files of the hub, their image towers others'.
        return
    config['text_cfg']['vocab_size'] = VOCABULARY
    if config['text_cfg'].get('pool_type') == 'eos':
        config['text_cfg']['eos_id'] = VOCABULARY - 1
    with torch.device('meta'):
        clip = build_clip(config)
        image, text = image_tower(clip), text_tower(clip)
    row.megabytes = 4e-6 * sum(p.numel() for p in clip.parameters())
    row.trainable = NUM_PROMPTS * len(image.blocks) * image.width
    row.trainable += NUM_CONTEXT * text.width
    if row.megabytes > args.max_megabytes:
        return
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'CLIP .* has RANDOM weights')
        path = Path(folder) / f'{row.arch}.json'
        path.write_text(json.dumps(config))
        torch.manual_seed(0)
        _measure_images(row, str(path), args)
        _measure_texts(row, str(path), args)


def _measure_images(row: Row, arch: str, args: argparse.Namespace) -> None:
    backbone = PromptedCLIPViT(arch, None, num_prompts=NUM_PROMPTS)
    prompts = backbone.prompts
    assert prompts is not None
    torch.nn.init.normal_(prompts)  # large enough to matter
    tower = backbone.tower
    for name, parameter in tower.named_parameters():
        if 'gamma' in name:  # of LayerScale, at first about 0
            torch.nn.init.ones_(parameter)
    images = torch.randn(args.batch, 3, *tower.image_size)
    with torch.no_grad():
        ((plain, _),) = backbone(images, prompted=False)
        row.image = _difference(plain, tower.visual(images))
        ((prompted, _),) = backbone(images)
        row.effect = _difference(prompted, plain)
    clock = Clock('cpu')

    def train() -> None:
        ((feature, patches),) = backbone(images)
        (feature.sum() + patches.sum()).backward()

    def infer() -> None:
        with torch.no_grad():
            backbone(images)

    def infer_plain() -> None:
        with torch.no_grad():
            tower.visual(images)

    for function in (train, infer, infer_plain):
        clock.warm_up(function)
    row.step = statistics.median(
        clock.seconds(train) for _ in range(args.rounds)
    )
    row.ratio = statistics.median(
        clock.seconds(infer) / clock.seconds(infer_plain)
        for _ in range(args.rounds)
    )
    insert_and_drop(tower, prompts)
    with torch.no_grad():
        row.prompted = _difference(prompted, tower.visual(images))


def _measure_texts(row: Row, arch: str, args: argparse.Namespace) -> None:
    clip = load_clip(arch, None)
    tower = text_tower(clip)
    tokens = torch.randint(VOCABULARY - 2, (args.batch, tower.context_length))
    lengths = torch.full((args.batch,), tower.context_length // 2)
    tokens[:, lengths[0] - 1] = VOCABULARY - 1  # end of text
    with torch.no_grad():
        row.text = _difference(
            tower.encode_tokens(tokens, lengths), clip.encode_text(tokens)
        )


def _difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    ours, theirs = F.normalize(ours, dim=-1), F.normalize(theirs, dim=-1)
    return (ours - theirs).abs().max().item()


def insert_and_drop(tower, prompts: torch.Tensor) -> None:
    """Make blocks insert their prompts after the class token, and drop them.

    For rotary positions the prompts count as class tokens.

    Args:
        tower (ImageTower): Its blocks are changed.
        prompts (torch.Tensor): (layers, n, d_v).
    """
    for block, own in zip(tower.blocks, prompts, strict=True):
        _insert(block, own, tower.prefix)


def _insert(block, prompts: torch.Tensor, prefix: int) -> None:
    forward, number = block.forward, len(prompts)
    if hasattr(block.attn, 'num_prefix_tokens'):
        block.attn.num_prefix_tokens += number

    def wrapped(x, *args, **kwargs):
        inserted = prompts.expand(len(x), -1, -1)
        x = torch.cat([x[:, :prefix], inserted, x[:, prefix:]], dim=1)
        x = forward(x, *args, **kwargs)
        return torch.cat([x[:, :prefix], x[:, prefix + number :]], dim=1)

    block.forward = wrapped


if __name__ == '__main__':
    main()
