"""Questions, options and the file as docs/prompts.md shows them."""

import re
import subprocess
import sys

from mpafer_plugin.prompts import TEMPLATES, load_hard_prompts
from mpafer_plugin.prompts.generation.questions import (
    CONTRAST_QUESTION,
    QUESTION,
)
from tests.conftest import ROOT

PAGE = (ROOT / 'docs' / 'prompts.md').read_text()
(FILE,) = re.findall(r'```json\n(.*?)```', PAGE, re.DOTALL)


def test_the_file_is_one(tmp_path):
    (tmp_path / 'page.json').write_text(FILE)
    prompts = load_hard_prompts(tmp_path / 'page.json', ['fear', 'surprise'])
    assert [len(texts[3]) for texts in prompts.values()] == [2, 1]


def test_questions_and_prompts_are_those():
    assert f'> {QUESTION}\n' in PAGE
    assert f'> {CONTRAST_QUESTION}\n' in PAGE
    for number, template in TEMPLATES.items():
        prompt = template.format(
            name='*tired*', description='*heavy, half-closed eyelids*'
        )
        assert f'{number}. {prompt}\n' in PAGE


def test_the_command_as_it_stands(tmp_path):
    command = PAGE.split('```bash\n')[1].split('```')[0]
    command = command.replace('mpafer', f'{sys.executable} -m mpafer_plugin')
    result = subprocess.run(
        ['bash', '-c', command], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert '3 questions of' in result.stdout
    assert not list(tmp_path.iterdir())
    tool = (ROOT / 'mpafer_plugin' / 'cli' / 'generate_prompts.py').read_text()
    for option in set(re.findall(r'`(--[a-z-]+)', PAGE)):
        assert f"'{option}'" in tool
