from .load_decoded_image import LoadDecodedImage

__all__ = ['LoadDecodedImage']
