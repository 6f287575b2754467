import { checkAllOrders, checkExMembers, checkHistories } from "./algebra_properties.ts";

Deno.test("[R15] [R18] equal items give equal bytes in 200,000 histories", () => {
  checkHistories({ first: 1_000_001, count: 200_000 }, 2_000);
});

Deno.test("[R15] [R17] all orders of six items give equal bytes in 120 histories", () => {
  checkAllOrders({ first: 1_000_001, count: 120 });
});

Deno.test("[S31] 60,000 ex-members that keep making items have no effect", () => {
  checkExMembers({ first: 1_000_001, count: 60_000 });
});
