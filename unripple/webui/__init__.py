"""The page: one photo at a time, sliders, previews while they move, full quality when they rest.

`app_state` knows models and photos, `session` one user's photo (`opened`) and edits (`making`),
`preview` the quick drawing, `job_queue` who computes when, `progress` how far it is. What an edit
leaves behind is in `leaving`: a file, a named translation (`translations`), a pair of the
`batch`, of which `batch_marks` keeps masks and chosen faces; `pairs` is the page's queue,
`pair_run` the process that makes it. `page`, `routes` (with `picture_routes` and `pair_routes`)
and `guard` are the door to the browser (`guesses` slows who tries passwords, `impatient` ends who
stalls). Files that somebody sent are decoded by `decoding`, a process of its own that `reading`
watches. What the browser runs lies in `static`, and begins in its page.js. Starlette and uvicorn,
an extra, are imported by `page`, the routes and `serve` alone.
"""
