"""What to tell a user whose memory does not suffice."""

import errno

# What the loader of libraries says when there is no room for one.
_NO_ROOM = ("failed to map segment", "cannot allocate memory")
# What Python and C++ say where there is no room for a thread.
_NO_THREAD = ("can't start new thread", "Resource temporarily unavailable")
_INSUFFICIENT = -4  # the code of OpenCV's error


def memory_problem(error: BaseException | None) -> str | None:
    """Returns a sentence on memory that does not suffice, or None if an error is not about it.

    A library may have made an error of its own of it, which comes from the first.
    """
    while error is not None:
        if _is_about_memory(error):
            reason = (str(error).strip().splitlines() or [""])[0][:200].rstrip(".")
            return f"The memory does not suffice{': ' if reason else ''}{reason}."
        error = error.__cause__ or error.__context__
    return None


def _is_about_memory(error):
    """Says whether an exception itself is about memory."""
    if isinstance(error, ImportError):
        return any(words in str(error).lower() for words in _NO_ROOM)
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    is_opencv_s = type(error).__module__ == "cv2" and getattr(error, "code", None) == _INSUFFICIENT
    # TensorFlow's name: importing it to compare would take what is not there.
    is_tensorflow_s = type(error).__name__ == "ResourceExhaustedError"
    is_library_s = "std::bad_alloc" in str(error)
    is_thread_s = isinstance(error, RuntimeError) and any(
        words in str(error) for words in _NO_THREAD
    )
    return (
        isinstance(error, MemoryError)
        or is_opencv_s
        or is_tensorflow_s
        or is_library_s
        or is_thread_s
    )
