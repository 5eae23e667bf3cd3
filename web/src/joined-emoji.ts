/** One emoji, which may ask to be drawn as one, or have a colour of skin. */
const PART = String.raw`\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?`;
/** What is one picture: a flag, several emoji with joiners between them, one with a colour of skin. */
const JOINED = new RegExp(
  String.raw`\p{Regional_Indicator}{2}|${PART}(?:\u200d${PART})+|\p{Extended_Pictographic}\p{Emoji_Modifier}`,
  "gu",
);

/**
 * Where in a text the emoji are that take several characters: each is drawn as one picture over the cells of all
 * of them. (Cells beside each other are drawn as one run of text otherwise, in which such an emoji is narrower
 * than its cells and moves what follows it.)
 */
export function joinedEmoji(text: string): [number, number][] {
  return Array.from(text.matchAll(JOINED), (match): [number, number] => [match.index, match.index + match[0].length]);
}
