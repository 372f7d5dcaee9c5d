export const Landscape = () => null;
