export const DataControls = () => null;
