/*! MiniRAG. MIT.
 * What few visitors of a chat need: their conversations, a file of one, reasons for an opinion, a form for a message.
 * Fetched by widget.js when it is wanted. Made of widget/more by `python -m widget.build`: change the files there.
 */
customElements.get("minirag-widget").take(({ build, icon, iconButton, fill, link, randomId, MAX_QUESTION_LENGTH, CURED_BY_RENEWAL, Failure }) => class {
