/** Iterates over the pages of a List method, from the first to the last. */
export async function* pages<Request, Page extends { nextPageToken: string }>(
  request: Request,
  list: (request: Request & { pageToken: string }) => Promise<Page>,
): AsyncGenerator<Page, void> {
  let pageToken = "";
  do {
    const page = await list({ ...request, pageToken });
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
