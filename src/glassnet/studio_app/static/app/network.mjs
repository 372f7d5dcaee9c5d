export const Network = () => null;
