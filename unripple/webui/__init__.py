"""The page: one photo at a time, sliders, previews while they move, full quality when they rest.

`app_state` knows models and photos, `session` one user's photo (`opened`) and edits, `preview` the
quick drawing, `job_queue` who computes when, `batch` and `translations` what an edit leaves behind;
`page`, `routes` and `guard` are the door to the browser (`guesses` slows who tries passwords,
`impatient` ends who stalls). Files that somebody sent are decoded by `decoding`, a process of its
own that `reading` watches. What the browser runs lies in `static`. Starlette and uvicorn, an extra,
are imported by `page`, `routes` and `serve` alone.
"""
