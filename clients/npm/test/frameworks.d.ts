/** As much of React's and Vue's types as ours add to, so that neither has to be installed for the tests. */
declare module "react" {
  export type Key = string | number;
  export type Ref<T> = { current: T | null } | ((instance: T | null) => void) | null;
  export namespace JSX {
    interface Element {}
    interface IntrinsicElements {}
  }
}
declare module "react/jsx-runtime" {
  export { JSX } from "react";
}
declare module "vue" {
  export interface GlobalComponents {}
}
