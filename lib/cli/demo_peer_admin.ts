/** A peer of the demo that can serve the admin API. */

import { serveAdminApi } from "../../http_api/mod.ts";
import { serveDemoPeer } from "./demo_peer.ts";

if (import.meta.main) {
  await serveDemoPeer(async (peer, token) => {
    const { url } = await serveAdminApi(peer, { token });
    return { url };
  });
}
