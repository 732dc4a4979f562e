from tests.test_apis.conftest import face_tiny, save  # noqa: F401
