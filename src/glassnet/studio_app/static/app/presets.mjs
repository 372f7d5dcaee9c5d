export const Presets = () => null;
