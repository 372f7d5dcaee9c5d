export const NetworkControls = () => null;
