from urllib.request import urlopen

import pytest

from mpafer_plugin.cli.export import main
from mpafer_plugin.export.web_server import PageServer

from .pages import served


def test_headers(tmp_path):
    (tmp_path / 'a.mjs').write_text('1')
    with served(PageServer(tmp_path, 0)) as address:
        headers = urlopen(f'{address}a.mjs').headers
    assert headers['Content-Type'] == 'text/javascript'
    assert headers['Cross-Origin-Opener-Policy'] == 'same-origin'
    assert headers['Cross-Origin-Embedder-Policy'] == 'require-corp'
    policy = headers['Content-Security-Policy']
    assert "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'" in policy


def test_a_port_in_use_is_found_first(tmp_path, capsys):
    with PageServer(tmp_path, 0) as server:
        options = ['--web', '--serve', str(server.server_port)]
        with pytest.raises(SystemExit):
            main(['none.pth', '--out', str(tmp_path), *options])
    assert f'--serve {server.server_port}' in capsys.readouterr().err


@pytest.mark.parametrize('option', [['--serve'], ['--onnxruntime-web', 'x']])
def test_options_of_the_page(tmp_path, capsys, option):
    with pytest.raises(SystemExit):
        main(['none.pth', '--out', str(tmp_path), *option])
    assert f'{option[0]} is for --web' in capsys.readouterr().err
