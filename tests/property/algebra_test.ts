import { checkAllOrders, checkExMembers, checkHistories } from "./algebra_properties.ts";

Deno.test("[R15] [R18] equal items give equal bytes, in any order and by any exchange of parts", () => {
  checkHistories({ first: 1, count: 20_000 }, 2_000);
});

Deno.test("[R15] [R17] all 720 orders of six items give equal bytes", () => {
  checkAllOrders({ first: 1, count: 16 });
});

Deno.test("[S31] an ex-member that keeps making items has no effect where its removal is known", () => {
  checkExMembers({ first: 1, count: 3_000 });
});
