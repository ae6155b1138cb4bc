"""The page: one photo at a time, sliders, previews while they move, full quality when they rest.

`studio` knows models and photos, `session` one user's photo and edits, `preview` the quick drawing,
`lanes` who computes when, `batch` and `translations` what an edit leaves behind; `page`, `routes`
and `guard` are the door to the browser (`guesses` slows who tries passwords, `impatient` ends who
stalls). Files that somebody sent are decoded by `decoding`, a process of its own that `reading`
watches. Starlette and uvicorn, an extra, are imported by `page`, `routes` and `serve` alone.
"""
