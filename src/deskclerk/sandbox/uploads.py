"""Files that come in a form."""

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from deskclerk.sandbox.call import Upload
from deskclerk.sandbox.refusals import Problem, Refusal, refusal

LARGEST_FILE = 10 * 2**20
_ENVELOPE = 2**16
"""What boundaries and part headers may take beside the file."""
_TYPE = "multipart/form-data"


async def read_upload(request: Request, name: str) -> Upload:
    """The file that the form has under `name`; refused if there is none, or if it is too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _TYPE:
        raise refusal("unsupported_content_type", "Unsupported content type", f"Send {_TYPE}.")
    try:
        async with _limited(request).form(max_files=1, max_fields=8) as form:
            file = form.get(name)
            if file is None or isinstance(file, str):
                raise Refusal(
                    Problem("form_param_missing", "is missing", f"The form has no file {name}.", name),
                    status=400,
                )
            content = await file.read()
            return Upload(content, (file.content_type or "").partition(";")[0].strip().lower())
    except MultiPartException:
        raise refusal("request_body_invalid", "body is invalid", "The body is not a valid form.") from None


def _limited(request: Request) -> Request:
    """The request, whose body is refused as soon as it is too long."""
    taken = 0

    async def receive() -> dict[str, object]:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_FILE + _ENVELOPE:
            text = f"An image has at most {LARGEST_FILE} bytes."
            raise refusal("image_too_large", "Image too large", text)
        return dict(message)

    return Request(request.scope, receive)
