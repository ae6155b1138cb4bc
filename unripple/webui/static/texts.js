// English, German. Modules of their own add theirs by addPanel, see panels.js.
export const TEXTS = {
  'language': ['Language', 'Sprache'],
};
