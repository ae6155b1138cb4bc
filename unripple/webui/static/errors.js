// What the server says, in English, as people read it: a table of its sentences, with {names} for what
// varies. A {why} is itself such a sentence. A test compares the table with what the server can say.
import { said, speaks } from './strings.js';

const SENTENCES = [
  // about a file
  ['the file is empty (0 bytes); copy it again', 'Die Datei ist leer (0 Byte); kopiere sie noch einmal'],
  ['damaged or cut short; copy it again', 'beschädigt oder abgeschnitten; kopiere sie noch einmal'],
  ['damaged or cut short ({detail}); copy it again', 'beschädigt oder abgeschnitten ({detail}); kopiere sie noch einmal'],
  ['not a picture; expected png, jpg or webp', 'kein Bild; erwartet wird png, jpg oder webp'],
  ['{kind}; save it as png, jpg or webp', '{kind}; sichere es als png, jpg oder webp'],
  ['cannot be opened: {detail}', 'lässt sich nicht öffnen: {detail}'],
  ['{size} MB on the disk, more than the limit of {limit}; shrink it or raise limits.memory_mb', '{size} MB groß, mehr als die Grenze von {limit}; verkleinere es, oder erhöhe limits.memory_mb'],
  ['{size} is {megapixels} megapixels, more than the limit of {limit}; shrink it or raise limits.megapixels', '{size} sind {megapixels} Megapixel, mehr als die Grenze von {limit}; verkleinere es, oder erhöhe limits.megapixels'],
  ['{size} has a side of more than {limit} px', '{size}: eine Seite hat mehr als {limit} Pixel'],
  ['took more than {limit} s while others waited; save it smaller, or try again later', 'dauerte länger als {limit} s, während andere warteten; sichere es kleiner, oder versuche es später noch einmal'],
  ['took more than {limit}; raise {setting} or leave the photo out', 'brauchte mehr als {limit}; erhöhe {setting}, oder lass das Foto weg'],
  ['took all memory; save it smaller', 'brauchte allen Speicher; sichere es kleiner'],
  ['a library crashed over it; save the photo anew with another program, or choose another', 'eine Bibliothek stürzte darüber ab; sichere das Foto mit einem anderen Programm neu, oder nimm ein anderes'],
  ['the mask is {mask}, the photo {photo}: draw it over the photo, white where nothing may change', 'die Maske hat {mask} Pixel, das Foto {photo}: zeichne sie über das Foto, weiß, wo sich nichts ändern darf'],
  ['more than {limit} MB', 'mehr als {limit} MB'],
  // about faces
  ['no face was found, neither by the embedded network nor by MTCNN; {advice}', 'Es wurde kein Gesicht gefunden, weder vom eigenen Netz noch von MTCNN; ist es schon ein Gesichtsausschnitt, so sage das'],
  ['no face was found by the embedded network, which knows rendered faces best; {advice}', 'Das eigene Netz, das gerechnete Gesichter am besten kennt, fand kein Gesicht; lass MTCNN suchen'],
  ['no face was found by MTCNN; {advice}', 'MTCNN fand kein Gesicht; lass das eigene Netz suchen'],
  ['no face was found; {advice}', 'Es wurde kein Gesicht gefunden; lass MTCNN suchen'],
  ['the landmarks file does not name this photo; {advice}', 'Die Datei der Gesichtspunkte nennt dieses Foto nicht; trage es ein, oder lass sein Gesicht suchen (align.mode)'],
  ['{count} faces were found; set align.faces to largest or all (--set align.faces=largest, or --set align.faces=all) to edit such a photo, or crop it', '{count} Gesichter wurden gefunden; nimm das größte, oder schneide das Foto zu'],
  ['an aligned photograph is square, this one has {size} px; set align.mode to auto (--set align.mode=auto) to have its face cut out', 'Ein Gesichtsausschnitt ist quadratisch, dieses Bild hat {size} Pixel; lass sein Gesicht suchen (align.mode: auto)'],
  ['this photo has {count} faces; choose one of them', 'Dieses Foto hat {count} Gesichter; wähle eins davon'],
  ['this photo has {count} faces; there is no such one', 'Dieses Foto hat {count} Gesichter; dieses gibt es nicht'],
  ['edit.attributes pixels needs the landmarks of the face, and align.mode aligned looks for none; set align.mode to mtcnn or embedded, or edit.attributes to generator', 'Für diese Bearbeitung müssen die Punkte des Gesichts bekannt sein, und in einem Gesichtsausschnitt werden sie nicht gesucht; lass das Gesicht suchen (align.mode: mtcnn)'],
  ['{why}; mark them by hand, or set edit.attributes to generator', '{why}; markiere sie von Hand, oder setze edit.attributes auf generator'],
  // what this photo does not have for an edit
  ['an eye is {width} px wide in this photo, and {least} are needed', 'ein Auge ist auf diesem Foto {width} Pixel breit, {least} sind nötig'],
  ['the mouth is {width} px wide in this photo, and {least} are needed', 'der Mund ist auf diesem Foto {width} Pixel breit, {least} sind nötig'],
  ['the mouth is {width} px wide here, and {least} are needed', 'der Mund ist hier {width} Pixel breit, {least} sind nötig'],
  ['the face is {width} px wide in this photo, and {least} are needed', 'das Gesicht ist auf diesem Foto {width} Pixel breit, {least} sind nötig'],
  ['an iris is {width} px wide in this photo, and {least} are needed', 'eine Iris ist auf diesem Foto {width} Pixel breit, {least} sind nötig'],
  ['the eyes are {width} px apart, and {least} are needed', 'die Augen liegen {width} Pixel auseinander, {least} sind nötig'],
  ['the head looks {yaw} degrees to the side', 'der Kopf schaut um {yaw}° zur Seite'],
  ['the head looks {yaw} degrees to the side, and its far half is hidden', 'der Kopf schaut um {yaw}° zur Seite, und seine ferne Hälfte ist verdeckt'],
  ['the eyes are shut (opening {opening} of their width; {least} are needed)', 'die Augen sind zu (Öffnung {opening} ihrer Breite, {least} sind nötig)'],
  ['nobody knows whether the mouth is open, nor where closed lips meet; run `unripple models fetch packaged`, which tells', 'niemand weiß, ob der Mund offen ist und wo geschlossene Lippen aufeinanderliegen; `unripple models fetch packaged` holt ein Netz, das es erkennt'],
  ['glasses are in front of the eyes, and their rims would bend', 'vor den Augen ist eine Brille, deren Ränder sich verbögen'],
  ['what is behind glasses is not in the photo, so none are taken off', 'was hinter einer Brille ist, ist nicht auf dem Foto, darum wird keine abgenommen'],
  ['glasses are worn or not; ask for {least} or more', 'eine Brille ist auf oder nicht; stelle {least} oder mehr ein'],
  ['glasses are worn already', 'eine Brille ist schon auf'],
  ['a hat is worn or not; ask for {least} or more', 'ein Hut ist auf oder nicht; stelle {least} oder mehr ein'],
  ['a hat is worn already', 'ein Hut ist schon auf'],
  ['what is under a hat is not in the photo, so none is taken off', 'was unter einem Hut ist, ist nicht auf dem Foto, darum wird keiner abgenommen'],
  ['something lies over the lower face ({share}% of it has another colour than its skin)', 'etwas liegt über der unteren Gesichtshälfte ({share} % davon haben eine andere Farbe als ihre Haut)'],
  ['what is beneath it is not in the photo, so none is taken away', 'was darunter ist, ist nicht auf dem Foto, darum wird nichts weggenommen'],
  ['more would fold the face', 'mehr würde das Gesicht falten'],
  ['the photo has no colours', 'das Foto hat keine Farben'],
  ['the parser sees no lips', 'es sind keine Lippen zu erkennen'],
  ['no brows are seen', 'es sind keine Brauen zu erkennen'],
  ['the brows are hardly darker than the skin', 'die Brauen sind kaum dunkler als die Haut'],
  ['no cheek is seen that would tell hair from skin', 'es ist keine Wange zu sehen, die Haar von Haut unterscheiden ließe'],
  ['no hair is seen around the face', 'um das Gesicht ist kein Haar zu sehen'],
  ['hair and skin have about the same colour here, or there is none', 'Haar und Haut haben hier etwa dieselbe Farbe, oder es ist keins da'],
  ['hair and skin look alike', 'Haar und Haut sehen gleich aus'],
  ['a hat covers the hair', 'ein Hut bedeckt das Haar'],
  ['the forehead behind a fringe is not in the photo, so none is taken away', 'die Stirn hinter einem Pony ist nicht auf dem Foto, darum wird keiner weggenommen'],
  ['the head is too small in this photo for strands to be seen', 'der Kopf ist auf diesem Foto zu klein, als dass Strähnen zu sehen wären'],
  ['no hair is seen above the forehead that it could hang from', 'über der Stirn ist kein Haar zu sehen, von dem er hängen könnte'],
  ['the hair is too short or thin: {seen} of half a head\'s width is seen of it above the forehead, and {least} are needed', 'das Haar ist zu kurz oder dünn: über der Stirn ist davon {seen} einer halben Kopfbreite zu sehen, {least} sind nötig'],
  ['hair falls to the brows already', 'das Haar fällt schon bis zu den Brauen'],
  ['the hair curls, and a fringe is drawn of straight strands', 'das Haar ist lockig, und ein Pony wird aus glatten Strähnen gezeichnet'],
  ['what is behind the hair is not in the photo, so it gets no flatter', 'was hinter dem Haar ist, ist nicht auf dem Foto, darum wird es nicht flacher'],
  ['hardly any hair is seen around the face', 'um das Gesicht ist kaum Haar zu sehen'],
  ['the photo\'s border cuts the hair off where it would get fuller', 'der Rand des Fotos schneidet das Haar ab, wo es voller würde'],
  ['no cheek is seen that would tell skin', 'es ist keine Wange zu sehen, an der Haut zu erkennen wäre'],
  ['skin cannot be told from hair and clothes of its colour here', 'Haut ist hier nicht von Haar und Kleidung ihrer Farbe zu unterscheiden'],
  ['no mesh of this face is known; run `unripple models fetch packaged`', 'von diesem Gesicht ist kein Netz von Punkten bekannt; `unripple models fetch packaged` holt, was es findet'],
  // warnings
  ['{word} = {asked} was reduced to {used}: {why}', '{word} = {asked} wurde auf {used} verringert: {why}'],
  ['{word} = {degree} lies outside the usable range {low} to {high}: expect artefacts or another face', '{word} = {degree} liegt außerhalb dessen, was gelingt ({low} bis {high}): mit Fehlern oder einem anderen Gesicht ist zu rechnen'],
  ['{word} is weak in this generator: expect little change', '{word} ist in diesem Generator schwach: es wird sich wenig ändern'],
  ['the head looks {yaw} degrees to the side and would look {after}: beyond {far} its far side has to be invented; ask for less', 'der Kopf schaut um {yaw}° zur Seite und schaute dann um {after}°: jenseits von {far}° muss seine ferne Seite erfunden werden; drehe weniger'],
  ['the head looks {yaw} degrees to the side, so the cheek that this turn of {by} brings forward is hardly in the photo and gets stretched; ask for less', 'der Kopf schaut um {yaw}° zur Seite; die Wange, die diese Drehung um {by}° nach vorn bringt, ist kaum auf dem Foto und wird gestreckt; drehe weniger'],
  ['the generator draws this photo with {drawn} dB only (below {least}), so it is not of its world: {advice}', 'Dieses Foto ist dem Generator fremd ({drawn} dB, unter {least}): Drehungen und Bearbeitungen von Form und Farbe, die die eigenen Pixel des Fotos ändern, gelingen; was der Generator zeichnet, nicht'],
  ['{text}, seen from {neutral}: {how}', '{text}, gesehen von {neutral}: {how}'],
  ['likeness to the text by CLIP: {before} in the photo, {after} now', 'Ähnlichkeit mit dem Text nach CLIP: {before} im Foto, {after} jetzt'],
  ['a judge of attributes sees {seen}', 'ein Netz für Merkmale sieht {seen}'],
  // about edits
  ['edit: {one} and {other} both turn the head; keep one', '{one} und {other} drehen beide den Kopf; lass nur eins stehen'],
  ['edit: the generator cannot turn a head by {by}, and {why}; {advice}', 'Der Generator kann einen Kopf nicht um {by} drehen; drehe ihn für sich, ohne andere Bearbeitungen'],
  ['an edit follows texts, or has sliders and a translation; reset one of the two', 'Eine Bearbeitung folgt Texten, oder sie hat Regler und eine Verschiebung; setze eins von beiden zurück'],
  ['text: {text} was not trained for {words}; it knows {known}', '{text} wurde nicht für {words} trainiert; bekannt ist {known}'],
  ['{name} holds {found} numbers, these models want {wanted}: it was made for others', '{name} enthält {found} Zahlen, diese Modelle wollen {wanted}: es wurde für andere gemacht'],
  ['no translation {name}', 'Es gibt keine Verschiebung {name}'],
  ['models {name}', 'Diese Modelle gibt es nicht: {name}'],
  ['no inverter {name}', 'Diese Inversion gibt es nicht: {name}'],
  ['no sample {name}', 'Es gibt kein Beispiel {name}'],
  ['this edit changes the photo\'s own pixels and draws no codes; add it to the batch', 'Diese Bearbeitung ändert die eigenen Pixel des Fotos und verschiebt keine Kodes; reihe sie in die Warteschlange ein'],
  ['this text moves channels of style space and no codes, which a translation holds; add it to the batch instead', 'Dieser Text bewegt Kanäle und keine Kodes, die eine Verschiebung enthält; reihe ihn in die Warteschlange ein'],
  ['translation {name}: wanted {grammar}', 'Verschiebung {name}: der Name soll Merkmal_min, Merkmal_max, Merkmal_Wert oder Merkmal_Wert_fr_Wert sein, wie Smile_max oder Hc_4; Merkmale aus Buchstaben und Ziffern, Werte als ganze Zahlen'],
  ['there is another translation {name} already ({file}); choose another name', 'Es gibt schon eine andere Verschiebung {name} ({file}); wähle einen anderen Namen'],
  ['no photo is open; choose one first', 'Es ist kein Foto offen; wähle zuerst eins'],
  ['there is no edit yet; move a slider first', 'Es gibt noch keine Bearbeitung; bewege zuerst einen Regler'],
  ['quality: wanted a whole number from 1 to 100', 'Güte: eine ganze Zahl von 1 bis 100'],
  // queue and batch
  ['several faces of this photo are edited, each in its own way, and an edit of a batch is about one; undo those of the other faces, or save the image instead', 'Mehrere Gesichter dieses Fotos sind verschieden bearbeitet, und ein Eintrag der Warteschlange gilt einem; nimm die anderen zurück, oder sichere das Bild'],
  ['an edit of a batch is sliders or a translation; save the translation, which then holds both, and choose it with all sliders at rest', 'Ein Eintrag der Warteschlange hat Regler oder eine Verschiebung; sichere die Verschiebung, die dann beides enthält, und wähle sie bei ruhenden Reglern'],
  ['the pipeline takes {taken} for {name}, which comes before {other}; choose it, or call one of them otherwise', 'Der Workflow nimmt {taken} für {name}, das vor {other} kommt; wähle es, oder nenne eins von beiden anders'],
  ['{file} was begun with other settings ({settings}); choose another file by --batch, or the same settings on the page', '{file} wurde mit anderen Einstellungen begonnen ({settings}); wähle mit --batch eine andere Datei, oder auf der Seite dieselben Einstellungen'],
  ['there is another edit called {name}; choose a name', 'Es gibt schon eine andere Bearbeitung namens {name}; wähle einen Namen'],
  ['its `edits` are written in a way that cannot be continued; add the line yourself: {line}', 'Ihre `edits` sind so geschrieben, dass nichts angehängt werden kann; füge die Zeile selbst ein: {line}'],
  ['its section `{section}` is written in a way that cannot be continued; say there yourself: {line}', 'Ihr Abschnitt `{section}` ist so geschrieben, dass nichts angehängt werden kann; schreibe dort selbst: {line}'],
  ['take {photo} out of the edit {edit} yourself', 'nimm {photo} selbst aus der Bearbeitung {edit}'],
  ['cannot be continued: {detail}', 'lässt sich nicht fortführen: {detail}'],
  ['damaged ({detail}); delete it', 'beschädigt ({detail}); lösche sie'],
  ['this pair is not made yet, or its files are gone; run it again', 'Dieses Paar ist noch nicht gemacht, oder seine Dateien sind fort; starte es noch einmal'],
  ['there is no such pair any more', 'Dieses Paar gibt es nicht mehr'],
  // another program's edit
  ['a pair wants two pictures; choose the {which} as well', 'Ein Paar braucht zwei Bilder; wähle auch das andere'],
  ['nothing was repaired yet', 'Es wurde noch nichts ausgebessert'],
  ['keep: wanted {choices}, or a list of parts: {parts}', 'bewahren: {choices}, oder eine Liste von Teilen: {parts}'],
  // the server itself
  ['{count} files of this page are on their way already; wait until they are there', '{count} Dateien dieser Seite sind schon unterwegs; warte, bis sie da sind'],
  ['the server\'s disk is nearly full; nothing can be sent now', 'Die Platte des Servers ist fast voll; jetzt kann nichts geschickt werden'],
  ['the server\'s disk does not take it: {detail}', 'Die Platte des Servers nimmt es nicht an: {detail}'],
  ['the request ended before its body did', 'Die Anfrage brach ab'],
  ['the request stalled', 'Die Anfrage blieb stecken'],
  ['the request is too slow', 'Die Anfrage ist zu langsam'],
  ['the editor was stopped', 'Der Editor wurde beendet'],
  ['this session has ended; load the page again', 'Diese Sitzung ist zu Ende; lade die Seite neu'],
  ['too many wrong guesses; try again in a few seconds', 'Zu oft falsch geraten; versuche es in ein paar Sekunden noch einmal'],
  ['a name and a password are needed', 'Name und Passwort sind nötig'],
  ['open the address that `unripple editor` printed, with its token', 'Öffne die Adresse, die `unripple editor` genannt hat, mit ihrem Token'],
];

const LEAST_WORDS = / /; // a {why} is a sentence
const escaped = (text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
const compiled = SENTENCES.map(([english, german]) => {
  const pattern = escaped(english).replace(/\{(\w+)\}/g, (_, name) => `(?<${name}>.+?)`);
  return [new RegExp('^' + pattern + '$', 's'), german];
});

function german(text) {
  for (const [pattern, sentence] of compiled) {
    const found = pattern.exec(text);
    if (!found) continue;
    const { groups = {} } = found;
    const put = { ...groups, ...(groups.why ? { why: german(groups.why) || groups.why } : {}), ...(groups.word ? { word: wordOf(groups.word) } : {}) };
    return sentence.replace(/\{(\w+)\}/g, (_, name) => put[name]);
  }
  return null;
}
// `smile: the mouth is ...; eyes: an eye is ...`, or a file and what is wrong with it.
function prefixed(text) {
  const parts = text.split(/; (?=[a-z_]+: )/).map((part) => {
    const [, name, rest] = /^([^:]+): (.+)$/s.exec(part) || [];
    const told = rest && LEAST_WORDS.test(rest) ? german(rest) : null;
    return told && wordOf(name) + ': ' + told;
  });
  return parts.every(Boolean) ? parts.join('; ') : null;
}
// The slider of a direction, as the page calls it.
const TITLES = { yaw: 'Turn', pose: 'Turn', pitch: 'Nod', roll: 'Tilt', eyes: 'Open eyes', gender: 'Masculine' };
function wordOf(name) {
  const title = TITLES[name] || name.replace(/_/g, ' ').replace(/^./, (letter) => letter.toUpperCase());
  const known = said('slider', title);
  return known === title ? name : known;
}
// A sentence of the server in the page's language; in English where the table lacks it.
export function inWords(text) { return speaks() === 'de' ? german(text) || prefixed(text) || text : text; }
