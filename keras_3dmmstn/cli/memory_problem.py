"""What to tell a user who runs out of memory."""

import errno

# What the dynamic loader says when there is no memory for a library.
_NO_ROOM = ("failed to map segment", "cannot allocate memory")
# What Python and C++ say when there is no memory for a thread.
_NO_THREAD = ("can't start new thread", "Resource temporarily unavailable")
_INSUFFICIENT = -4  # the code of OpenCV's error


def memory_problem(error: BaseException | None) -> str | None:
    """Returns a sentence saying that memory ran out, or None if an error has another cause.

    The chain of exceptions is followed, as a library may have raised another error in its place.
    """
    while error is not None:
        if _is_about_memory(error):
            reason = (str(error).strip().splitlines() or [""])[0][:200].rstrip(".")
            return f"The memory does not suffice{': ' if reason else ''}{reason}."
        error = error.__cause__ or error.__context__
    return None


def _is_about_memory(error):
    """Returns whether an exception itself is about memory."""
    if isinstance(error, ImportError):
        return any(words in str(error).lower() for words in _NO_ROOM)
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    is_opencv_s = type(error).__module__ == "cv2" and getattr(error, "code", None) == _INSUFFICIENT
    # Compared by name: importing TensorFlow would take memory that is not there.
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
