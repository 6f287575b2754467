import { SeededRandom } from "../../lib/base/random.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { createFakeKem } from "../../lib/sim/fake_kem.ts";
import { kemContract } from "./kem_contract.ts";

kemContract("the simulator", () => createFakeKem(createCrypto(), new SeededRandom(1)));
