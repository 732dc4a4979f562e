from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION: dict = {}
exec((ROOT / 'mpafer_plugin' / 'version.py').read_text(), VERSION)

setup(
    name='mpafer_plugin',
    version=VERSION['__version__'],
    description='MPA-FER: facial expression recognition by prompting a '
    'frozen CLIP, as a plugin for MMPretrain',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.11',
    packages=find_packages(include=['mpafer_plugin', 'mpafer_plugin.*']),
    package_data={
        'mpafer_plugin': [
            'py.typed',
            'prompts/*.json',
            'clip/face_tiny/*',
            'export/web/**/*',
            'report/templates/**/*',
            # As the host's: links to the folders of the checkout, copied
            # into the wheel.
            '.mim/model-index.yml',
            '.mim/configs/**/*',
            '.mim/tools/**/*',
        ]
    },
    exclude_package_data={
        'mpafer_plugin': ['.mim/tools/pretraining/*', '*.pyc']
    },
    # mmcv is absent on purpose: `mmcv` and `mmcv-lite` share one import name,
    # and requiring either would overwrite the other. mpafer_plugin checks for
    # it when imported and says what to install.
    install_requires=[
        'torch>=2.6',
        'mmengine>=0.10.4,<0.11',
        'mmpretrain>=1.2.0,<1.3',
        'open_clip_torch>=3.2,<4',
        'safetensors>=0.4',
        'numpy>=1.26',
        'filelock>=3.21',
        'Pillow>=10.1',
        'rich>=13',
        'Jinja2>=3.1',
    ],
    entry_points={'console_scripts': ['mpafer = mpafer_plugin.__main__:main']},
    extras_require={
        'lite': ['mmcv-lite>=2.0.1,<2.3'],
        'llm': ['openai>=3,<4'],
        'hf': ['transformers[sentencepiece]>=5,<6'],  # tokenizers
        'onnx': ['onnx>=1.19', 'onnxruntime>=1.23', 'onnxscript>=0.7'],
        'parquet': ['pyarrow>=15'],
        'report': ['scikit-learn>=1.5'],
        'docs': ['mkdocs-material>=9.5,<10', 'mkdocstrings[python]>=1,<2'],
        'dev': [
            'pytest>=8,<9.2',  # with 9.2, xdist 3.8 passes over its groups
            'pytest-xdist>=3.5',
            'ruff',
            'mypy',
            'pre-commit',
        ],
    },
)
