import hashlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import nn

from mpafer_plugin.clip import (
    find_equal_texts,
    fingerprint,
    load_clip,
    load_tokenizer,
    text_tower,
)
from mpafer_plugin.prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    TEMPLATES,
    load_hard_prompts,
    prompt_words,
)


@MODELS.register_module()
class PromptedCLIPText(BaseModule):
    """Frozen CLIP text tower with soft and hard prompts for each class.

    The soft prompt of class c is ``[SOS] v_1 .. v_M [class name] . [EOT]``
    with M learnable vectors (paper). Its hard prompt is a fixed text, encoded
    once. The only trainable parameter is ``context``.

    Args:
        arch (str): Name of an open_clip ViT architecture, ``'face-tiny'``,
            or the path of an architecture JSON.
        pretrained (str | None): A tag of ``arch`` or a local file. None gives
            random weights and a warning.
        classes (Sequence[str]): Names of the C classes, in label order.
        num_context (int): Number of context vectors, M. With 0 the soft
            prompts are the fixed texts "<name>.". Defaults to 10 (paper).
        class_specific_context (bool): Whether each class has its own context
            vectors. The paper leaves this open. With a shared context about
            10 of 12 tokens are the same in all classes, so the token-level
            loss depends on little but the names. Defaults to False (ours).
        hard_prompts (str | Sequence[str], optional): A file of descriptions,
            or the C hard prompts themselves. Defaults to None, which means
            the descriptions shipped with the package.
        granularity (int | str): Texts of the file used as hard prompts:
            1 "a photo of [class]", 2 "a photo of a person making a facial
            expression of [class]", 3 the second followed by the description
            (the paper's best), or ``'mean'`` for all three (ours). The
            normalised features of several texts of a class are averaged,
            within each granularity first, so that the three have equal
            weight under ``'mean'``. Defaults to 3.
        prompt_names (dict[str, str], optional): Words used in the prompts
            instead of class names, such as ``{'happiness': 'happy'}``.
            Defaults to None.
        merge (dict, optional): New names of classes, whose descriptions are
            those of the classes that they take the place of; see
            :class:`BaseFERDataset`. Defaults to None.
        mask_name (bool): Whether to exclude the tokens of the class name from
            the token vectors, since the name alone can satisfy the loss. With
            a shared context all soft token vectors are then equal and the
            token-level loss is exactly ln C. Defaults to False (ours).
        pool_ends (bool): Whether to include the start and end of text in the
            token vectors, which are otherwise the mean over context, name and
            "." (the paper leaves open how prompts of different lengths are
            compared). Defaults to False (ours).
        init_cfg (dict, optional): Initialization config. Defaults to None.

    Attributes:
        words (list[str]): Word used for each class in its prompts.
        hard_texts (list[list[str]]): Hard prompts of each class, one or more.
        hard_tokens (torch.Tensor): Mean embedding of the word tokens of the
            hard prompts, (C, d_t).
        hard_features (torch.Tensor): Features of the hard prompts, (C, D).

    Raises:
        ValueError: If a class has no description, a prompt exceeds the text
            tower's length, the vectors of two classes cannot differ, or an
            argument is not one of the allowed values.
    """

    def __init__(
        self,
        arch: str,
        pretrained: str | None,
        classes: Sequence[str],
        num_context: int = 10,
        class_specific_context: bool = False,
        hard_prompts: str | Sequence[str] | None = None,
        granularity: int | str = 3,
        prompt_names: dict[str, str] | None = None,
        mask_name: bool = False,
        pool_ends: bool = False,
        merge: dict | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        self.classes = tuple(classes)
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f'classes={classes!r} has duplicate names')
        if num_context < 0:
            raise ValueError(f'num_context={num_context!r} is negative')
        self.words = prompt_words(self.classes, prompt_names)

        # First: it may have to be fetched, and loads faster than the tower.
        self.tokenizer = load_tokenizer(arch, pretrained)
        self.tower = text_tower(load_clip(arch, pretrained))
        self.arch = arch
        self.fingerprint = fingerprint(self.tower)
        self.num_context = num_context
        self.mask_name = mask_name
        self.pool_ends = pool_ends
        self.context: nn.Parameter | None = None
        if num_context:
            sets = (len(classes),) if class_specific_context else ()
            self.context = nn.Parameter(
                torch.empty(*sets, num_context, self.tower.width)
            )
            nn.init.normal_(self.context, std=0.02)  # paper
        self._build_soft()
        groups = self._hard_groups(
            hard_prompts, granularity, prompt_names, merge
        )
        self.hard_texts = [
            [text for texts in parts for text in texts] for parts in groups
        ]
        self._check_distinct()
        self._build_hard([list(map(len, parts)) for parts in groups])

    @property
    def descriptions_digest(self) -> str:
        """SHA-256 of the hard prompts in use, in class order."""
        return hashlib.sha256(repr(self.hard_texts).encode()).hexdigest()

    def set_classes(self, classes: Sequence[str]) -> None:
        """Set other classes under the shared context, named by themselves."""
        self.classes, self.words = tuple(classes), list(classes)
        self.hard_texts = [[TEMPLATES[1].format(name=n)] for n in classes]
        self._check_distinct()
        self._build_soft()
        self._build_hard([[1]] * len(classes))

    def forward(self) -> torch.Tensor:
        """Encode the soft prompts.

        Returns:
            torch.Tensor: Features, not normalised, of shape (C, D).
        """
        return self.tower(self._soft_embeddings(), self._soft_lengths)

    def soft_tokens(self) -> torch.Tensor:
        """Average the token embeddings of each soft prompt, see ``pool_ends``.

        Returns:
            torch.Tensor: Shape (C, d_t).
        """
        return _masked_mean(self._soft_embeddings(), self._soft_words)

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Encode T texts into features (T, D), not normalised."""
        tokens, lengths = self.tokenizer(texts)
        device = self.hard_features.device
        return self.tower.encode_tokens(tokens.to(device), lengths.to(device))

    def _class_texts(self) -> list[list[str]]:
        """Return the texts that each class vector is made of."""
        return [[f'{word}.'] for word in self.words]

    def _check_distinct(self) -> None:
        if self.context is not None and self.context.ndim == 3:
            return  # each class has its own context
        texts = self._class_texts()
        same = find_equal_texts(texts, self.tokenizer.encode)
        if same:
            names = ' and '.join(
                f'{self.classes[c]!r} (word {self.words[c]!r})' for c in same
            )
            raise ValueError(
                f'the classes {names} have the same prompts, such as '
                f'{texts[same[0]][0]!r}: their vectors cannot differ, and one '
                'would never be predicted. prompt_names gives a class another '
                'word'
            )

    def _build_soft(self) -> None:
        # The context replaces num_context placeholders after the start; "x" is
        # a single token, so that the tokenizer checks the true length.
        placeholders = 'x ' * self.num_context
        tokens, lengths = self.tokenizer(
            [f'{placeholders}{word}.' for word in self.words]
        )
        start = self.tokenizer.starts
        end = start + self.num_context
        if self.num_context and len(tokens[:, start:end].unique()) != 1:
            raise ValueError(
                f'num_context={self.num_context!r}: the tokenizer of '
                f'{self.arch!r} does not make a token each of {placeholders!r}'
            )
        embeddings = self.tower.token_embedding(tokens).detach()
        self._buffer('_soft_lengths', lengths)
        self._buffer('_soft_prefix', embeddings[:, :start])
        self._buffer('_soft_suffix', embeddings[:, end:])
        self._buffer('_soft_words', self._is_word(tokens, lengths, self.words))

    def _soft_embeddings(self) -> torch.Tensor:
        parts = [self._soft_prefix, self._soft_suffix]
        if self.context is not None:
            parts.insert(1, self.context.expand(len(self.classes), -1, -1))
        return torch.cat(parts, dim=1)  # (C, L, d_t)

    def _hard_groups(
        self,
        source: str | Sequence[str] | None,
        granularity: int | str,
        prompt_names: dict[str, str] | None,
        merge: dict | None,
    ) -> list[list[list[str]]]:
        """Return the texts of each class, one list per granularity."""
        if granularity not in (*GRANULARITIES, 'mean'):
            raise ValueError(
                f'granularity={granularity!r} is not one of '
                f'{(*GRANULARITIES, "mean")}'
            )
        if source is not None and not isinstance(source, str):
            if len(source) != len(self.classes):
                raise ValueError(
                    f'{len(source)} hard prompts given for '
                    f'{len(self.classes)} classes {list(self.classes)}'
                )
            if wrong := [text for text in source if not isinstance(text, str)]:
                raise ValueError(f'hard_prompts has {wrong[0]!r}, not a text')
            return [[[text]] for text in source]
        prompts = load_hard_prompts(
            source or HARD_PROMPTS_FILE, self.classes, prompt_names, merge
        )
        return [
            [
                texts
                for g, texts in prompts[name].items()
                if granularity in (g, 'mean')
            ]
            for name in self.classes
        ]

    @torch.no_grad()
    def _build_hard(self, sizes: list[list[int]]) -> None:
        vectors, features = [], []
        for texts, word, parts in zip(
            self.hard_texts, self.words, sizes, strict=True
        ):
            tokens, lengths = self.tokenizer(texts)
            embeddings = self.tower.token_embedding(tokens)
            counted = self._is_word(tokens, lengths, [word] * len(texts))
            feature = self.tower(embeddings, lengths)
            if len(texts) > 1:
                feature = F.normalize(feature, dim=-1)
            vector = _masked_mean(embeddings, counted)
            vectors.append(_mean_of_means(vector, parts))
            features.append(_mean_of_means(feature, parts))
        self._buffer('hard_tokens', torch.stack(vectors))
        self._buffer('hard_features', torch.stack(features))

    def _is_word(
        self, tokens: torch.Tensor, lengths: torch.Tensor, names: list[str]
    ) -> torch.Tensor:
        """Return the mask (C, L) of the tokens counted as words."""
        position = torch.arange(tokens.shape[1])
        words = position < lengths[:, None]
        if not self.pool_ends:
            words &= position >= self.tokenizer.starts
            words &= position < lengths[:, None] - self.tokenizer.ends
        if self.mask_name:
            for row, token_row, name in zip(words, tokens, names, strict=True):
                row &= ~torch.isin(
                    token_row, torch.tensor(self.tokenizer.encode(name))
                )
        return words

    def _buffer(self, name: str, value: torch.Tensor) -> None:
        # Not saved: determined by the frozen tower and the prompts, which a
        # checkpoint identifies by fingerprint and digest.
        self.register_buffer(name, value, persistent=False)


def _masked_mean(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average x (C, L, d) over the positions where mask (C, L) is true."""
    weights = mask.to(x.dtype)[..., None]
    return (x * weights).sum(1) / weights.sum(1)


def _mean_of_means(x: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Average the means of the parts of x (N, d) with these sizes."""
    return torch.stack([part.mean(0) for part in x.split(sizes)]).mean(0)
