from mpafer_plugin.cli.study.scheduler import Scheduler


def test_each_job_has_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3, GPU-5b')
    gpus = Scheduler(tmp_path, 3).gpus
    assert [gpus.get() for _ in range(3)] == ['3', 'GPU-5b', '3']
